CREATE TABLE days (
  day date PRIMARY KEY,
  visits int NOT NULL
);

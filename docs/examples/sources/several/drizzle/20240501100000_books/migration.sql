CREATE TABLE books (id int PRIMARY KEY, title text NOT NULL, body text NOT NULL);

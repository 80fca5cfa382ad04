INSERT INTO "boats" ("name") VALUES ('Argo');

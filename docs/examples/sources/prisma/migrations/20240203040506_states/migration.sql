-- AlterEnum
BEGIN;
CREATE TYPE "public"."State_new" AS ENUM ('DRAFT', 'PUBLISHED');
ALTER TABLE "public"."Post" ALTER COLUMN "state" TYPE "public"."State_new" USING ("state"::text::"public"."State_new");
ALTER TYPE "public"."State" RENAME TO "State_old";
ALTER TYPE "public"."State_new" RENAME TO "State";
DROP TYPE "public"."State_old";
COMMIT;

-- CreateEnum
CREATE TYPE "public"."State" AS ENUM ('DRAFT', 'PUBLISHED', 'HIDDEN');

-- CreateTable
CREATE TABLE "public"."Post" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "state" "public"."State" NOT NULL,

    CONSTRAINT "Post_pkey" PRIMARY KEY ("id")
);

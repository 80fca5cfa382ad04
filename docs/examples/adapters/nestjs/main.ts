import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GuestbookController } from './guestbook.controller.ts';
import { guestbook } from './guestbook.plugin.ts';
import { SlipwayModule } from './slipway.module.ts';

@Module({
  imports: [
    SlipwayModule.forRoot({
      pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/guestbook',
      plugins: [guestbook],
    }),
  ],
  controllers: [GuestbookController],
})
class AppModule {}

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
await app.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1');
console.log('server:', app.getHttpServer().address());

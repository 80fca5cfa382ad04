import { Body, Controller, Get, Inject, Post } from '@nestjs/common';
import type { Boot } from 'slipway';
import { guestbookApi, type Entry } from './guestbook.plugin.ts';
import { BOOT } from './slipway.module.ts';

@Controller('api/guestbook')
export class GuestbookController {
  readonly #boot: Boot;

  constructor(@Inject(BOOT) boot: Boot) {
    this.#boot = boot;
  }

  @Get()
  list(): Promise<readonly Entry[]> {
    return this.#boot.services.get(guestbookApi).list();
  }

  @Post()
  write(@Body() { words }: { readonly words: string }): Promise<Entry | undefined> {
    return this.#boot.services.get(guestbookApi).write(words);
  }
}

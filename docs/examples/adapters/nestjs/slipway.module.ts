import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Global,
  Inject,
  Logger,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { BootError, createBoot, formatBootError, type Boot, type BootOptions } from 'slipway';
import { closeServer, gate, nodeFront, probes } from 'slipway/http';

/** The token of the boot: `@Inject(BOOT) boot: Boot`. */
export const BOOT = Symbol('slipway.boot');

/** Boots the plugins with the application, and stops them with it. */
@Global()
@Module({})
export class SlipwayModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  static forRoot(options: BootOptions): DynamicModule {
    return {
      module: SlipwayModule,
      providers: [{ provide: BOOT, useFactory: () => createBoot(options) }],
      exports: [BOOT],
    };
  }

  readonly #boot: Boot;
  readonly #logger = new Logger(SlipwayModule.name);

  constructor(@Inject(BOOT) boot: Boot, @Inject(HttpAdapterHost) { httpAdapter }: HttpAdapterHost) {
    this.#boot = boot;
    // Before everything of Nest, so that no guard, prefix or body parser is in the way of the probes.
    const isAnswered = nodeFront([probes(boot), gate(boot, { pluginOf: '/api/' })]);
    httpAdapter.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      if (!isAnswered(request, response)) next();
    });
    boot.beforeStop(async (cut) => {
      const signal = AbortSignal.any([cut, AbortSignal.timeout(10_000)]);
      await closeServer(httpAdapter.getHttpServer(), signal);
      this.#logger.log('server: closed');
    });
  }

  /** Does not wait for the boot: Nest listens after this hook, and the probes have to answer while the plugins migrate. */
  onApplicationBootstrap(): void {
    this.#boot.start().then(
      ({ outcome }) => this.#logger.log(`boot: ${outcome}`),
      (error: unknown) => {
        this.#logger.error(formatBootError(error));
        // All that the boot had started is stopped by now. After a signal, Nest ends the process.
        if (!(error instanceof BootError && error.code === 'BOOT_CANCELED')) process.exit(1);
      },
    );
  }

  /** Closes the server, then stops the plugins. The `onApplicationShutdown` of other providers comes after this. */
  async beforeApplicationShutdown(signal?: string): Promise<void> {
    await this.#boot.stop(signal);
  }
}

// Finding a neighbour: its name is looked up again and again, so that calls also reach a process that came later.
// grpc-js asks again only when a connection is lost: a second process that is started beside a healthy one would never
// be called. Addresses that stay keep their connections.
import { experimental } from '@grpc/grpc-js';

const LOOK_AGAIN_MS = 3_000;
const SCHEME = 'again';

type Made = ConstructorParameters<Parameters<typeof experimental.registerResolver>[1]>;

/** A class, because grpc-js constructs it. What a name leads to is dns's to say. */
class LooksAgain implements experimental.Resolver {
  readonly #names: experimental.Resolver;
  #timer: NodeJS.Timeout | undefined;

  constructor(...[target, listener, options]: Made) {
    this.#names = experimental.createResolver({ scheme: 'dns', path: target.path }, listener, options);
  }

  updateResolution(): void {
    this.#names.updateResolution();
    this.#timer ??= setInterval(() => this.#names.updateResolution(), LOOK_AGAIN_MS).unref();
  }

  destroy(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#names.destroy();
  }

  static getDefaultAuthority(target: Made[0]): string {
    return target.path;
  }
}

experimental.registerResolver(SCHEME, LooksAgain);

export const lookedUpAgain = (address: string) => `${SCHEME}:${address}`;

export const ADDRESSING = {
  // Not the default's 30 s: a neighbour that comes back may have another address.
  'grpc.dns_min_time_between_resolutions_ms': 1_000,
  // Addresses only: how to call is said here, and no name server is asked for it.
  'grpc.service_config_disable_resolution': 1,
};

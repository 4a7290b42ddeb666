// One connection to the broker, made again until it is stopped.
// amqplib's own `recovery` can end the process or wedge for ever when a connection breaks during its set-up (2.3.1).
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import { type ChannelModel, connect } from 'amqplib';
import { metricsOf } from './metrics.ts';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** For the broker's response to a close, which may never come. */
const CLOSE_TIMEOUT_MS = 1_000;

export interface KeptConnection {
  readonly connected: boolean;
  stop(): Promise<void>;
}

/**
 * `setUp` makes channels, queues and consumers on each new connection; when it fails, or when it calls `broken` (a channel
 * closed, a consumer cancelled by the server), the whole connection is closed and made anew: one way to recover, not three.
 */
export function keepConnected(options: {
  url: string;
  name: string;
  log: Log;
  registry: Registry;
  setUp: (model: ChannelModel, broken: (why: string) => void) => Promise<void>;
  onLost?: () => void;
}): KeptConnection {
  const { name, log } = options;
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  const connection = { connected: false, stop };
  metricsOf(options.registry).connected.add(name, () => Number(connection.connected));

  async function holdOne() {
    const model = await connect(withHeartbeat(options.url), {
      noDelay: true,
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: name },
    });
    const closed = new Promise<void>((resolve) => model.on('close', () => resolve()));
    let settingUp: Promise<void> | undefined;
    try {
      const why = await new Promise<string>((resolve, reject) => {
        model.on('error', (error: Error) => resolve(error.message));
        closed.then(() => resolve('closed'));
        stopped.then(() => resolve('stopping'));
        settingUp = options.setUp(model, resolve);
        settingUp.then(() => {
          connection.connected = true;
          log.info({ connection: name }, 'connected to the broker');
        }, reject);
      });
      if (!stopping.signal.aborted) log.warn({ connection: name, why }, 'connection to the broker lost');
    } finally {
      connection.connected = false;
      await Promise.race([endOf(model, closed, settingUp), sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
      connection.connected = false;
      options.onLost?.();
    }
  }

  async function run() {
    let waitMs = FIRST_WAIT_MS;
    while (!stopping.signal.aborted) {
      const began = Date.now();
      await holdOne().catch((error) =>
        log.warn({ connection: name, error: String(error) }, 'no connection to the broker'),
      );
      if (Date.now() - began > LONGEST_WAIT_MS) waitMs = FIRST_WAIT_MS;
      await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal: stopping.signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  async function stop() {
    stopping.abort();
    await running;
  }

  const running = run();
  return connection;
}

/** amqplib's close never ends when the connection breaks before the broker has responded (2.3.1). */
async function endOf(model: ChannelModel, closed: Promise<void>, settingUp: Promise<void> | undefined) {
  await Promise.race([model.close(), closed]).catch(() => undefined);
  // A set-up that was overtaken by the loss ends here, before it could be taken for a success.
  await settingUp?.catch(() => undefined);
}

function withHeartbeat(text: string): string {
  const url = new URL(text);
  url.searchParams.set('heartbeat', '10');
  return url.toString();
}

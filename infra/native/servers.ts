// Postgres, Redis and RabbitMQ for one run: private, on free ports of 127.0.0.1, with generated passwords.
import { claim } from './leftovers.ts';
import { startPostgres } from './postgres.ts';
import { startRabbitmq } from './rabbitmq.ts';
import { startRedis } from './redis.ts';
import { once, type Say, type Server, type Servers, type Starters, type StartServer } from './server.ts';
import { dockerStarters } from './servers-docker.ts';

const native: Starters = { postgres: startPostgres, redis: startRedis, rabbitmq: startRabbitmq };

export async function startServers({ dir, say, signal }: StartServer & { say: Say }): Promise<Servers> {
  await claim(dir);
  const starters = process.env.FLASHSALE_SERVERS === 'docker' ? dockerStarters : native;
  const failed = new AbortController();
  const start = { dir, signal: signal ? AbortSignal.any([signal, failed.signal]) : failed.signal };
  const timed = async <T extends Server>(name: string, starting: Promise<T>): Promise<T> => {
    const from = Date.now();
    const server = await starting;
    say(`${name} is ready on 127.0.0.1:${server.port} (${((Date.now() - from) / 1000).toFixed(1)} s)`);
    return server;
  };
  const starting = [
    timed('Postgres', starters.postgres(start)),
    timed('Redis', starters.redis(start)),
    timed('RabbitMQ', starters.rabbitmq(start)),
  ] as const;
  try {
    const [postgres, redis, rabbitmq] = await Promise.all(starting);
    return { postgres, redis, rabbitmq, stop: once(() => stopAll([postgres, redis, rabbitmq])) };
  } catch (error) {
    failed.abort(error);
    const settled = await Promise.allSettled(starting);
    await stopAll(settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    throw error;
  }
}

const stopAll = async (servers: Server[]) => void (await Promise.all(servers.map((server) => server.stop())));

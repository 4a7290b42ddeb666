// How many gateways and orders workers a new stack has: GATEWAYS and WORKERS of the environment, by default one of each.
export type Replicas = ReturnType<typeof replicasFrom>;

/** Every process has its connections to Postgres, Redis and RabbitMQ, and a machine has few cores. */
const MOST = 4;
/** Where the kernel spreads the connections of one port over the processes that share it. */
const SHARES_PORTS: NodeJS.Platform[] = ['linux', 'freebsd'];

/** Throws before anything is started. */
export function replicasFrom(env = process.env, platform = process.platform) {
  const count = (name: 'GATEWAYS' | 'WORKERS'): number => {
    const value = Number(env[name] || 1);
    if (Number.isInteger(value) && value >= 1 && value <= MOST) return value;
    throw new Error(`${name} must be a number from 1 to ${MOST}, not ${env[name]}`);
  };
  const replicas = { gateway: count('GATEWAYS'), orders: count('WORKERS') };
  if (replicas.gateway > 1 && !SHARES_PORTS.includes(platform))
    throw new Error(
      `GATEWAYS must be 1 on ${platform}, where processes cannot share a port; docker compose can scale the gateway`,
    );
  return replicas;
}

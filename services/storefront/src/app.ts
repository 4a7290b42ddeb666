// The composition root of the storefront: connect, construct, listen, stop.
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { type Config, refuseOpenLogin } from './config.ts';
import { createLogIn } from './domain/log-in.ts';
import { startHttp } from './inbound/http.ts';
import { createMetrics } from './metrics.ts';
import { createGateway } from './outbound/gateway.ts';
import { createGuests } from './outbound/guests.ts';
import { buildPage } from './outbound/page.ts';

export async function startStorefront(config: Config) {
  refuseOpenLogin(config);
  const log = createLog('storefront', config.LOG_LEVEL);
  const registry = createRegistry('storefront');
  const metrics = createMetrics(registry);

  const page = await buildPage();
  const gateway = createGateway(config, metrics, log);
  const { DEMO_LOGIN_SECRET: secret, DEMO_LOGINS_PER_SECOND: perSecond } = config;
  const logIn = secret === undefined ? undefined : createLogIn(createGuests(secret), perSecond);
  if (logIn) log.warn({}, 'the demo login is on: every visitor becomes a buyer at a click');

  const http = await startHttp(config, { page, gateway, logIn }, log, metrics);
  const unready = gateway.unready;
  const ops = await startOps({ host: config.HOST, port: config.OPS_PORT, registry, unready });
  log.info({ http: http.port, ops: ops.port }, 'storefront is ready');

  return {
    url: `http://${config.HOST}:${http.port}`,
    ops: ops.port,
    async stop() {
      gateway.endStreams();
      await http.stop();
      gateway.close();
      await ops.stop();
    },
  };
}

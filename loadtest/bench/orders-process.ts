// The orders service of a stack, to be stopped and started again while all others stay.
import { join } from 'node:path';
import { ROOT } from '../../infra/native/leftovers.ts';
import type { Stack } from '../../infra/native/stack.ts';
import { supervise } from '../../infra/native/supervisor.ts';
import { environments, type Ports, SERVICES } from '../../infra/native/wiring.ts';

export function createOrdersProcess(stack: Stack) {
  let service = stack.services.orders;
  return {
    stop: () => service.stop(),
    async start(): Promise<void> {
      service = supervise({
        dir: stack.dir,
        name: 'orders',
        file: join(ROOT, 'services/orders/src/main.ts'),
        env: environments(stack, portsOf(stack), {}).orders,
        opsPort: portOf(stack.ops.orders),
        onEvent({ event, pid }) {
          if (event === 'started' && pid) stack.pids.orders = pid;
        },
      });
      await service.ready();
    },
  };
}

const portOf = (address: string) => Number(address.split(':').at(-1));

function portsOf({ gatewayUrl, bankUrl, addresses, ops }: Stack): Ports {
  const own = { gateway: gatewayUrl, bank: bankUrl, ...addresses };
  const ports = SERVICES.flatMap((name) => [
    [name, portOf(own[name])],
    [`${name}Ops`, portOf(ops[name])],
  ]);
  return Object.fromEntries(ports) as Ports;
}

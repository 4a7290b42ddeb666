// The orders service of a stack, to be stopped and started again while all others stay.
import { type Stack, startService } from '../../infra/native/stack.ts';

export function createOrdersProcess(stack: Stack) {
  let service = stack.services.orders;
  return {
    stop: () => service.stop(),
    async start(): Promise<void> {
      service = startService(stack, 'orders');
      await service.ready();
    },
  };
}

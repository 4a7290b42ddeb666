// The guarantees that the protocol needs of messaging and calls, each switched off. `hole N`: a hole found elsewhere.
import { off } from './mutant.ts';

const messaging = (path: string) => `messaging/src/${path}.ts`;

export const chassis = [
  off('13', 'no transparent retry of a call that must not be repeated', 'rpc/src/client.ts', {
    find: `'grpc.enable_retries': safe ? 1 : 0,`,
    replace: `'grpc.enable_retries': 1,`,
    suite: 'rpc/client',
    test: 'a stream that was refused is tried again where a call may be repeated, and not where it must not',
  }),
  off('addressing', 'a neighbour is looked up again while its connection holds', 'rpc/src/client.ts', {
    find: 'new Service(lookedUpAgain(address)',
    replace: 'new Service(address',
    suite: 'rpc/addressing',
    test: 'a process that joins the name gets its share of the calls, and one that leaves it costs none',
  }),
  off('hole 2', 'a nack is no confirm', messaging('publisher'), {
    find: `settle(error ? 'unknown' :`,
    replace: `settle(error?.name === 'never' ? 'unknown' :`,
    suite: 'messaging/publisher',
    test: 'unknown: the broker refuses it, and for a while nobody is invited to publish more',
  }),
  off('hole 2', 'what no queue takes is returned', messaging('publisher'), {
    find: 'mandatory: true',
    replace: 'mandatory: false',
    suite: 'messaging/publisher',
    test: 'returned: no queue took it, and those published with it are confirmed',
  }),
  off('hole 3', 'a consumer that the server cancelled subscribes again', messaging('consumer'), {
    find: `if (!message) return lost('the server cancelled the consumer');`,
    replace: 'if (!message) return;',
    suite: 'messaging/recovery',
    test: 'its queue is deleted: it is not consuming, and within 10 s it is again',
  }),
  off('hole 3', 'a connection that breaks while it is closed is made anew', messaging('connection'), {
    find: `await Promise.race([endOf(model, closed, settingUp), sleep(GOODBYE_MS, undefined, { ref: false })]);`,
    replace: 'await model.close().catch(() => undefined);',
    suite: 'messaging/recovery',
    test: 'its connection breaks while it closes a connection itself: it is made anew all the same',
  }),
  off('hole 5', 'what was put away stays put away when the consumer stops', messaging('consumer'), {
    find: 'await atMost(ANSWER_WAIT_MS, lane.channel.close());',
    suite: 'messaging/stop',
    test: 'the batches at work end, and what was delivered but not begun goes back to the queue',
  }),
  off('hole 23', 'what waits for its confirm is bounded', messaging('publisher'), {
    find: 'if (!open || unconfirmed.size >= maxUnconfirmed)',
    replace: 'if (!open)',
    suite: 'messaging/publisher',
    test: 'what waits for its confirm is bounded: beyond it nothing is sent',
  }),
];

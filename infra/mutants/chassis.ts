// What the protocol takes for granted of broker and calls, each switched off. Rows that are not the protocol's are
// those of the holes seen elsewhere.
import type { Mutant } from './mutant.ts';

const by = (service: string, file: string, name: string) => ({
  file: `services/${service}/test/${file}.test.ts`,
  name,
});

export const mutants: Mutant[] = [
  {
    row: '13',
    rule: 'no transparent retry of a call that must not be repeated',
    file: 'services/rpc/src/client.ts',
    find: `'grpc.enable_retries': safe ? 1 : 0,`,
    replace: `'grpc.enable_retries': 1,`,
    test: by(
      'rpc',
      'client',
      'a stream that was refused is tried again where a call may be repeated, and not where it must not',
    ),
  },
  {
    row: 'addressing',
    rule: 'a neighbour is looked up again while its connection holds',
    file: 'services/rpc/src/client.ts',
    find: 'new Service(lookedUpAgain(address)',
    replace: 'new Service(address',
    test: by(
      'rpc',
      'addressing',
      'a process that joins the name gets its share of the calls, and one that leaves it costs none',
    ),
  },
  {
    row: 'hole 2',
    rule: 'a nack is no confirm',
    file: 'services/messaging/src/publisher.ts',
    find: `settle(error ? 'unknown' :`,
    replace: `settle(error?.name === 'never' ? 'unknown' :`,
    test: by(
      'messaging',
      'publisher',
      'unknown: the broker refuses it, and for a while nobody is invited to publish more',
    ),
  },
  {
    row: 'hole 2',
    rule: 'what no queue takes is returned',
    file: 'services/messaging/src/publisher.ts',
    find: 'mandatory: true',
    replace: 'mandatory: false',
    test: by('messaging', 'publisher', 'returned: no queue took it, and those published with it are confirmed'),
  },
  {
    row: 'hole 3',
    rule: 'a consumer that the server cancelled subscribes again',
    file: 'services/messaging/src/consumer.ts',
    find: `if (!message) return lost('the server cancelled the consumer');`,
    replace: 'if (!message) return;',
    test: by('messaging', 'recovery', 'its queue is deleted: it is not consuming, and within 10 s it is again'),
  },
  {
    row: 'hole 3',
    rule: 'a connection that breaks while it is closed is made anew',
    file: 'services/messaging/src/connection.ts',
    find: `await Promise.race([endOf(model, closed, settingUp), sleep(GOODBYE_MS, undefined, { ref: false })]);`,
    replace: 'await model.close().catch(() => undefined);',
    test: by(
      'messaging',
      'recovery',
      'its connection breaks while it closes a connection itself: it is made anew all the same',
    ),
  },
  {
    row: 'hole 5',
    rule: 'what was put away stays put away when the consumer stops',
    file: 'services/messaging/src/consumer.ts',
    find: 'await atMost(ANSWER_WAIT_MS, lane.channel.close());',
    replace: '',
    test: by(
      'messaging',
      'stop',
      'the batches at work end, and what was delivered but not begun goes back to the queue',
    ),
  },
  {
    row: 'hole 23',
    rule: 'what waits for its confirm is bounded',
    file: 'services/messaging/src/publisher.ts',
    find: 'if (!open || unconfirmed.size >= maxUnconfirmed)',
    replace: 'if (!open)',
    test: by('messaging', 'publisher', 'what waits for its confirm is bounded: beyond it nothing is sent'),
  },
];

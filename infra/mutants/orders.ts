// The rules of orders and of the services it calls, PROTOCOL.md, section 11, each switched off.
import { off } from './mutant.ts';

const own = (path: string) => `orders/src/${path}.ts`;
const inventory = (path: string) => `inventory/src/${path}.ts`;
const payment = (path: string) => `payment/src/${path}.ts`;

export const orders = [
  off('3', 'stock refuses yesterday’s gate', inventory('outbound/ledger'), {
    find: 'WHERE id = $1 AND epoch = $2 AND available >= total',
    replace: 'WHERE id = $1 AND $2 = $2 AND available >= total',
    suite: 'orders/fulfil',
    test: "an order of yesterday's gate that comes by queue is refused by today's stock",
  }),
  off('3', 'stock refuses yesterday’s gate, among others too', inventory('domain/allocate'), {
    find: `if (sale.epoch !== epoch) return 'stale_epoch';`,
    suite: 'inventory/reservations',
    test: 'a batch is served in the order asked, and each item is answered by itself',
  }),
  off('14', 'the event after the Release', own('domain/close-orders'), {
    find: 'const released = await inventory.release(uncharged, patience.callMs());',
    replace: `await ledger.close(uncharged.map((order) => order.orderId));
  const released = await inventory.release(uncharged, patience.callMs());`,
    suite: 'orders/closing',
    test: 'an order that ended is not settled and no event tells of it while the unit is not back',
  }),
  off('14', 'no event in the deciding statement of an order that must be closed', own('outbound/ledger'), {
    find: 'timeOut: () => rows(pool, TIME_OUT, []),',
    replace: `async timeOut() {
      const late = await rows(pool, TIME_OUT, []);
      const payload = (order: Order) => JSON.stringify({ ...order, amountMinor: null, currency: null });
      for (const order of late)
        await pool.query('INSERT INTO outbox (order_id, routing_key, payload) VALUES ($1, $2, $3)', [
          order.orderId, 'order.rejected', payload(order)]);
      onEvents();
      return late;
    },`,
    suite: 'orders/closing',
    test: 'an order that ended is not settled and no event tells of it while the money is not safe',
  }),
  off('14', '`settled` only when nothing is open', own('domain/order'), {
    find: ' && !order.open;',
    replace: ';',
    suite: 'orders/closing',
    test: 'an order that ended is not settled and no event tells of it while the unit is not back',
  }),
  off('14', 'closed is only what was voided', own('domain/close-orders'), {
    find: 'const uncharged = orders.filter((order) => voided.has(order.orderId));',
    replace: 'const uncharged = orders;',
    suite: 'orders/closing',
    test: 'an order whose void fails stays open, and is closed when it succeeds',
  }),
  off('14', 'closed is only what was released', own('domain/close-orders'), {
    find: 'uncharged.filter((order) => released.has(order.orderId))',
    replace: 'uncharged.filter(() => released)',
    suite: 'orders/closing',
    test: 'an order whose release fails stays open, and is closed when it succeeds',
  }),
  off('15', 'a row that nobody works on is taken up', own('domain/resume-orders'), {
    find: 'await carryOn(unfinished.filter(isUndecided), ports, patience);',
    suite: 'orders/crash',
    test: 'a worker dies before Charge, a caller on the line: its row is taken up, and the order is confirmed once',
  }),
  off('16', 'what is open is taken up', own('outbound/ledger'), {
    find: `WHERE (status = 'placed' OR open) AND touched_at`,
    replace: `WHERE status = 'placed' AND touched_at`,
    suite: 'orders/closing',
    test: 'a worker that decided and dies before Void is followed by another, which undoes what is left',
  }),
  off('16', 'the decision remembers what must follow', own('outbound/ledger'), {
    find: `reason = 'timed_out', open = true,`,
    replace: `reason = 'timed_out',`,
    suite: 'orders/closing',
    test: 'a worker that decided and dies before Void is followed by another, which undoes what is left',
  }),
  off('17', 'rejected(duplicate) row', own('outbound/ledger'), {
    find: `await endAtOnce(without(rest, found), 'rejected', 'duplicate')`,
    replace: 'await endAtOnce([], "rejected", "duplicate")',
    suite: 'orders/fulfil',
    test: "a buyer's second order that comes by queue is rejected as a duplicate, with an event",
  }),
  off('unique', 'unique buyer index', 'orders/migrations/001_orders_and_outbox.sql', {
    find: 'CREATE UNIQUE INDEX orders_one_live_per_buyer',
    replace: 'CREATE INDEX orders_one_live_per_buyer',
    suite: 'orders/batch',
    test: 'in one batch each order has its own end, and no end fails a neighbour',
  }),
  off('18', 'released absorbs', inventory('domain/allocate'), {
    find: 'if (remembered.has(item.orderId) || decided.has(item.orderId)) continue;',
    replace: `const known = remembered.get(item.orderId);
    if ((known && known.state !== 'released') || decided.has(item.orderId)) continue;`,
    suite: 'inventory/reservations',
    test: 'a Reserve after the Release stays released',
  }),
  off('18', 'a Release without a Reserve leaves a row', inventory('domain/allocate'), {
    find: `if (!known) released.set(item.orderId, { ...item, state: 'released', reason: null });`,
    replace: 'if (!known) continue;',
    suite: 'inventory/reservations',
    test: 'a Release without a Reserve leaves a tombstone that refuses the late Reserve',
  }),
  off('19', 'a refusal is remembered', inventory('domain/allocate'), {
    find: 'if (remembered.has(item.orderId) || decided.has(item.orderId)) continue;',
    replace: `const known = remembered.get(item.orderId);
    if ((known && known.state !== 'refused') || decided.has(item.orderId)) continue;`,
    suite: 'inventory/reservations',
    test: 'a refused order stays refused although a unit came back',
  }),
  off('20', 'a Void without a Charge leaves a row', payment('outbound/ledger'), {
    find: 'const voided = await insertVoided(connection, orderIds);',
    replace: `await connection.query('SAVEPOINT never');
        const voided = await insertVoided(connection, orderIds);
        await connection.query('ROLLBACK TO never');`,
    suite: 'payment/void',
    test: 'an order voided before it is charged is never charged: a late charge is refused',
  }),
  off('20', 'a Void without a Charge leaves a row, seen from orders', payment('outbound/ledger'), {
    find: 'const voided = await insertVoided(connection, orderIds);',
    replace: `await connection.query('SAVEPOINT never');
        const voided = await insertVoided(connection, orderIds);
        await connection.query('ROLLBACK TO never');`,
    suite: 'orders/decide-by',
    test: 'the time of an order is up while its worker is before charge: closed, and what the worker still does is undone',
  }),
  off('21', 'bank.reverse(key), whatever the bank knows of it', payment('outbound/ledger'), {
    find: `SET state = 'reversing', reverse_at = now(), updated_at = now() FROM locked`,
    replace: `SET state = CASE state WHEN 'captured' THEN 'reversing' ELSE 'reversed' END,
       reverse_at = CASE state WHEN 'captured' THEN now() END, updated_at = now() FROM locked`,
    suite: 'payment/void',
    test: 'an order voided while the bank is silent ends reversed, though the bank goes on later',
  }),
  off('21', 'the bank refuses a later charge of a key that was reversed', 'bank/src/domain/charges.ts', {
    find: `statement.write({ ...entry, key, status: 'reversed', atMs: now() });`,
    replace: `if (entry) statement.write({ ...entry, key, status: 'reversed', atMs: now() });`,
    suite: 'payment/void',
    test: 'an order voided when the bank has not even heard of it is refused there for ever',
  }),
  off('22', 'whoever is dropped stops', own('domain/fulfil-orders'), {
    find: 'if (!patience.wanted()) return orders;',
    suite: 'orders/hang-up',
    test: 'a caller hangs up before Charge: the worker stops and undoes nothing, and its time closes the order',
  }),
  off('22', 'whoever is dropped undoes nothing', own('domain/fulfil-orders'), {
    find: 'if (!patience.wanted()) return orders;',
    replace: `if (!patience.wanted()) {
    await ports.ledger.decide(await release(reserved, ports, { ...patience, callMs: () => 5_000 }));
    return orders;
  }`,
    suite: 'orders/hang-up',
    test: 'a caller hangs up while another worker carries the same order on: that one has it confirmed',
  }),
  off('update', 'conditional UPDATE', own('outbound/ledger'), {
    find: `WHERE id = order_id AND status = 'placed'`,
    replace: 'WHERE id = order_id',
    suite: 'orders/decide-by',
    test: 'the time of an order is up while its worker is after confirm: closed, and what the worker still does is undone',
  }),
  off('decide_by', 'what comes too late is rejected before it has an effect', own('outbound/ledger'), {
    find: `CASE WHEN late THEN 'rejected' ELSE 'placed' END,`,
    replace: `'placed',`,
    suite: 'orders/decide-by',
    test: 'an order that comes after its time is rejected, with an event, and nobody else hears of it',
  }),
  off('decide_by', 'a row still undecided at its time is closed', own('domain/resume-orders'), {
    find: 'const late = await ports.ledger.timeOut();',
    replace: 'const late: Awaited<ReturnType<typeof ports.ledger.timeOut>> = [];',
    suite: 'orders/decide-by',
    test: 'the money that the bank had taken when the time was up is given back',
  }),
  off('unknown', 'an unknown charge is not a decline', own('domain/fulfil-orders'), {
    find: `?? 'requested'`,
    replace: `?? 'declined'`,
    suite: 'orders/unknowns',
    test: 'a call that meets an unknown says that the order is placed, and orders finishes it',
  }),
  off('unknown', 'an unknown Confirm confirms nothing', own('domain/fulfil-orders'), {
    find: 'return orders.filter((order) => answers.has(order.orderId));\n',
    replace: 'return orders.filter(() => answers);\n',
    suite: 'orders/unknowns',
    test: 'a call that is lost on its way there decides nothing; the message comes again and asks again',
  }),
  off('unknown', 'an unknown Release rejects nothing', own('domain/fulfil-orders'), {
    find: 'return orders.filter((order) => answers.has(order.orderId)).map(',
    replace: 'return orders.filter(() => answers).map(',
    suite: 'orders/unknowns',
    test: 'a call that is lost on its way there decides nothing; the message comes again and asks again',
  }),
  off('ack', 'ack after commit', 'messaging/src/consumer.ts', {
    find: 'const verdicts = values.length ? await handleAll(values) : [];',
    replace: `for (const message of messages) lane.channel.ack(message);
    const verdicts = values.length ? await handleAll(values) : [];
    if (verdicts.length) return;`,
    suite: 'orders/crash',
    test: 'a worker dies before Reserve: the message comes again, to another worker, and the order is confirmed once',
  }),
  off('outbox', 'an event is forgotten only when it is delivered', own('outbound/ledger'), {
    find: 'events.filter((_, index) => delivered[index])',
    replace: 'events.filter(() => delivered)',
    suite: 'orders/outbox',
    test: 'an event whose confirm is lost is sent again, and not forgotten before',
  }),
  off('outbox', 'a decision and its event are one', own('outbound/ledger'), {
    find: 'if (ids.length === 1) return told(await rows(pool, sql, values));',
    replace: `if (sql === DECIDE)
      return told(await rows(pool, sql.replace('FROM ended WHERE', 'FROM ended WHERE false AND'), values));`,
    suite: 'orders/outbox',
    test: 'a decision whose event cannot be written is not made; it is made later, once',
  }),
];

-- Every row that one confirmed order writes in the three services' databases, in one transaction. The row that all
-- orders share comes last, so that it is locked for as short as can be. Ids grow with time, as the gateway's do: random
-- ones would scatter the writes of every index.
BEGIN;
INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, mode, deadline, status)
  SELECT id, :sale, 'buyer-' || id, 1, 1, 'queued', now() + interval '10 minutes', 'placed'
  FROM to_hex(cast(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)) AS ms,
    cast(lpad(ms, 12, '0') || substr(md5(cast(random() AS text)), 13) AS uuid) AS id
  RETURNING id AS order_id \gset
UPDATE orders SET status = 'reserved', version = version + 1, amount_minor = 4900, currency = 'EUR', pay_requested = true,
  pay_within = interval '10 minutes', touched_at = now() WHERE id = :order_id AND status = 'placed';
INSERT INTO outbox (exchange, routing_key, order_id, payload)
  SELECT 'orders', 'payments.due', id, jsonb_build_object('orderId', id, 'saleId', sale_id, 'amount',
    jsonb_build_object('amountMinor', amount_minor, 'currency', currency))
  FROM orders WHERE id = :order_id RETURNING id AS message \gset
DELETE FROM outbox WHERE id = :message;
INSERT INTO charges (order_id, amount_minor, currency, state) VALUES (:order_id, 4900, 'EUR', 'requested');
UPDATE charges SET state = 'captured', updated_at = now() WHERE order_id = :order_id AND state = 'requested';
INSERT INTO reservations (order_id, sale_id, buyer_id, quantity, state)
  SELECT id, sale_id, buyer_id, quantity, 'held' FROM orders WHERE id = :order_id;
UPDATE reservations SET state = 'sold' WHERE order_id = :order_id AND state = 'held';
UPDATE orders SET status = 'confirmed', version = version + 1, decided_at = now(), touched_at = now()
  WHERE id = :order_id AND status = 'reserved';
INSERT INTO outbox (exchange, routing_key, order_id, payload)
  SELECT 'order-events', 'order.' || status, id, jsonb_build_object('orderId', id, 'saleId', sale_id, 'buyerId', buyer_id,
    'quantity', quantity, 'epoch', epoch, 'status', status, 'reason', reason, 'version', version, 'amount',
    jsonb_build_object('amountMinor', amount_minor, 'currency', currency),
    'deadlineMs', floor(extract(epoch FROM deadline) * 1000), 'refund', refund, 'decidedAtMs', floor(extract(epoch FROM decided_at) * 1000))
  FROM orders WHERE id = :order_id RETURNING id AS event \gset
DELETE FROM outbox WHERE id = :event;
UPDATE sales SET available = available - 1, held = held + 1 WHERE id = :sale AND epoch = 1 AND available >= 1;
UPDATE sales SET held = held - 1, sold = sold + 1 WHERE id = :sale;
COMMIT;

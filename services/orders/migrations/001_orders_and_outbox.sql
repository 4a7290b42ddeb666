-- Up Migration

CREATE TABLE orders (
  id uuid PRIMARY KEY,
  sale_id uuid NOT NULL,
  buyer_id text NOT NULL,
  quantity int NOT NULL CHECK (quantity > 0),
  epoch int NOT NULL,
  status text NOT NULL CHECK (status IN ('placed', 'held', 'confirmed', 'rejected', 'expired', 'cancelled')),
  reason text,
  decide_by timestamptz NOT NULL,
  -- Decided, and something that must follow the decision is not done yet.
  open boolean NOT NULL DEFAULT false,
  version int NOT NULL DEFAULT 1,
  amount_minor bigint,
  currency char(3),
  created_at timestamptz NOT NULL DEFAULT now(),
  touched_at timestamptz NOT NULL DEFAULT now(),
  decided_at timestamptz
);

-- One buyer, one live order per sale.
CREATE UNIQUE INDEX orders_one_live_per_buyer ON orders (sale_id, buyer_id) WHERE status IN ('placed', 'held', 'confirmed');

-- What orders itself still has to finish.
CREATE INDEX orders_unfinished ON orders (touched_at) WHERE status = 'placed' OR open;

CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id uuid NOT NULL,
  routing_key text NOT NULL,
  payload jsonb NOT NULL
);

-- Up Migration

CREATE TABLE orders (
  id uuid PRIMARY KEY,
  sale_id uuid NOT NULL,
  buyer_id text NOT NULL,
  quantity int NOT NULL CHECK (quantity > 0),
  epoch int NOT NULL,
  mode text NOT NULL CHECK (mode IN ('queued', 'direct')),
  status text NOT NULL CHECK (status IN ('placed', 'reserved', 'confirmed', 'rejected', 'expired', 'cancelled')),
  reason text,
  -- The order's own; from `reserved` on that of its hold, then that of its payment.
  deadline timestamptz NOT NULL,
  pay_requested boolean NOT NULL DEFAULT false,
  -- How long a payment may take once it is requested.
  pay_within interval,
  amount_minor bigint CHECK (amount_minor > 0),
  currency char(3),
  -- Ended, and its charge is not voided or its unit not released yet.
  compensation_pending boolean NOT NULL DEFAULT false,
  refund text NOT NULL DEFAULT 'none' CHECK (refund IN ('none', 'owed', 'done')),
  version int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  touched_at timestamptz NOT NULL DEFAULT now(),
  decided_at timestamptz,
  CONSTRAINT reserved_has_a_price CHECK (status NOT IN ('reserved', 'confirmed') OR amount_minor IS NOT NULL)
);

-- One buyer, one live order per sale.
CREATE UNIQUE INDEX orders_one_live_per_buyer ON orders (sale_id, buyer_id)
  WHERE status IN ('placed', 'reserved', 'confirmed');

-- The three background jobs: time out, compensate, and ask about refunds.
-- Not by status: a statement that names ids and a status would be planned to read this whole index while the table is new.
CREATE INDEX orders_by_deadline ON orders (deadline) WHERE decided_at IS NULL;
CREATE INDEX orders_compensation_pending ON orders (touched_at) WHERE compensation_pending;
CREATE INDEX orders_refund_owed ON orders (touched_at) WHERE refund = 'owed';

CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  exchange text NOT NULL,
  routing_key text NOT NULL,
  order_id uuid NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- One relay for each exchange: a queue that is full holds back no events.
CREATE INDEX outbox_by_exchange ON outbox (exchange, id);

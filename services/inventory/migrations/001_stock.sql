-- Up Migration

CREATE TABLE sales (
  id uuid PRIMARY KEY,
  sku text NOT NULL,
  title text NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency char(3) NOT NULL,
  stock int NOT NULL CHECK (stock > 0),
  available int NOT NULL CHECK (available >= 0),
  held int NOT NULL DEFAULT 0 CHECK (held >= 0),
  sold int NOT NULL DEFAULT 0 CHECK (sold >= 0),
  opens_at timestamptz NOT NULL,
  closes_at timestamptz NOT NULL CHECK (closes_at > opens_at),
  per_buyer_limit int NOT NULL CHECK (per_buyer_limit > 0),
  mode text NOT NULL CHECK (mode IN ('queued', 'direct')),
  checkout text NOT NULL CHECK (checkout IN ('instant', 'hold')),
  hold_seconds int NOT NULL DEFAULT 0 CHECK (checkout = 'instant' OR hold_seconds > 0),
  decide_within_seconds int NOT NULL CHECK (decide_within_seconds > 0),
  closed boolean NOT NULL DEFAULT false,
  epoch int NOT NULL DEFAULT 0,
  -- When the epoch was raised last: a sale is not fenced twice within seconds.
  reopened_at timestamptz NOT NULL DEFAULT '-infinity',
  revision int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT conservation CHECK (stock = available + held + sold)
);

-- No foreign key to sales: every insert would take a key-share lock on the row that every order updates.
CREATE TABLE reservations (
  order_id uuid PRIMARY KEY,
  sale_id uuid NOT NULL,
  buyer_id text NOT NULL,
  quantity int NOT NULL CHECK (quantity > 0),
  state text NOT NULL CHECK (state IN ('held', 'sold', 'released', 'refused')),
  reason text,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- For Reopen: a new gate is built from the reservations of its sale.
CREATE INDEX reservations_by_sale ON reservations (sale_id);

-- Up Migration

CREATE TABLE charges (
  order_id uuid PRIMARY KEY,
  -- Null in a `voided` row: nothing was ever to be charged.
  amount_minor bigint CHECK (amount_minor > 0),
  currency char(3),
  state text NOT NULL CHECK (state IN ('requested', 'captured', 'declined', 'voided', 'reversing', 'reversed')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- What the bank still has to be told.
CREATE INDEX charges_reversing ON charges (updated_at) WHERE state = 'reversing';

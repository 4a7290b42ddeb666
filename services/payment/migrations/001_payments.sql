-- Up Migration

CREATE TABLE charges (
  order_id uuid PRIMARY KEY,
  -- Null where the order was voided before it was charged.
  amount_minor bigint CHECK (amount_minor > 0),
  currency char(3),
  state text NOT NULL CHECK (state IN ('requested', 'captured', 'declined', 'voided', 'reversing', 'reversed')),
  -- When the reversal is due at the bank, for the first time or again.
  reverse_at timestamptz CHECK ((reverse_at IS NOT NULL) = (state = 'reversing')),
  created_at timestamptz NOT NULL DEFAULT now(),
  -- When the state became what it is.
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX charges_reversing ON charges (reverse_at) WHERE state = 'reversing';

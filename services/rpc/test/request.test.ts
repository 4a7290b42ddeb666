// Reading a request: every field that is wrong is named as the .proto spells it, within what a header holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { read } from '../src/request.ts';
import { RpcError, status } from '../src/server.ts';

const Request = z.object({ items: z.array(z.object({ someId: z.string() })) });

function refusalOf(request: unknown): RpcError {
  try {
    read(Request, request);
  } catch (error) {
    if (error instanceof RpcError) return error;
  }
  throw new Error('it was read');
}

test('a request is read as its schema makes it', () => {
  assert.deepEqual(read(Request, { items: [{ someId: 'a', other: 1 }] }), { items: [{ someId: 'a' }] });
});

test('what is wrong is INVALID_ARGUMENT, field by field, as the .proto spells it', () => {
  const { code, message } = refusalOf({ items: [{ someId: 'a' }, { someId: 1 }] });
  assert.equal(code, status.INVALID_ARGUMENT);
  assert.match(message, /^items\[1\]\.some_id: [^;]+$/);
});

test('of very many fields some are named and the others counted', () => {
  const { message } = refusalOf({ items: Array.from({ length: 60 }, () => ({})) });
  assert.equal(message.split('; ').length, 51);
  assert.match(message, /; and 10 more$/);
});

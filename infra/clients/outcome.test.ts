import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClickResponse, outcomeOf, readResponse } from './outcome.ts';

const counts = (status: number, more: Partial<ClickResponse> = {}) =>
  outcomeOf({ status, timedOut: false, problem: null, reason: null, ...more });

test('the outcome of a click follows from status and problem together', () => {
  assert.equal(counts(202), 'yes');
  assert.equal(counts(201), 'yes', 'confirmed, or reserved in a hold sale');
  assert.equal(counts(410, { problem: 'sold-out' }), 'soldOut');
  assert.equal(counts(503, { problem: 'busy' }), 'busy');
  assert.equal(counts(402, { problem: 'payment-declined', reason: 'declined' }), 'declined');
  assert.equal(counts(409, { problem: 'already-bought' }), 'limit');
  assert.equal(counts(409, { problem: 'order-rejected', reason: 'timed_out' }), 'tooLate');
  assert.equal(counts(403, { problem: 'closed' }), 'notOpen');
  assert.equal(counts(429, { problem: 'rate-limited' }), 'rateLimited');
  assert.equal(counts(504, { problem: 'outcome-unknown' }), 'unknown');
  assert.equal(counts(0, { timedOut: true }), 'unknown');
});

test('an undeclared response is an error: a bare 503, a rejected order, a broken connection', () => {
  for (const undeclared of [
    counts(503),
    counts(409, { problem: 'order-rejected' }),
    counts(500),
    counts(0),
    counts(200),
  ]) {
    assert.equal(undeclared, 'error');
  }
});

const LOCATION = '/v1/orders/0190a?sale=0190b&epoch=1';

test('kind of problem and reason are read from the body, the order from the location', () => {
  const body = '{"type":"/problems/order-rejected","title":"The order was rejected","status":409,"reason":"timed_out"}';
  assert.deepEqual(readResponse(409, undefined, body), {
    status: 409,
    timedOut: false,
    problem: 'order-rejected',
    reason: 'timed_out',
    orderId: null,
    location: null,
  });
  const { orderId, location } = readResponse(202, LOCATION, '{"orderId":"0190a","status":"queued"}');
  assert.deepEqual([orderId, location], ['0190a', LOCATION]);
});

test('only a yes and an unknown outcome name an order of this click', () => {
  assert.equal(readResponse(504, LOCATION, '').orderId, '0190a');
  assert.equal(readResponse(409, LOCATION, '{"type":"/problems/already-bought"}').orderId, null);
});

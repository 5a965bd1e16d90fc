import { expect, test } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.ts';

/** Open, since its second failure at time 0, for 100 ms. */
function openCircuit(): CircuitBreaker {
  const circuit = new CircuitBreaker({ failures: 2, pauseMs: 100 });
  circuit.failed(0);
  expect(circuit.failed(0)).toBe('opened');
  return circuit;
}

test('failures in a row open the circuit, and a success in between starts the count anew', () => {
  const circuit = new CircuitBreaker({ failures: 2 });
  expect([circuit.failed(), circuit.succeeded(), circuit.failed(), circuit.failed()]).toEqual([
    undefined,
    undefined,
    undefined,
    'opened',
  ]);
});

test('while it is open nothing begins, and then one attempt at a time', () => {
  const circuit = openCircuit();
  expect(circuit.room(99)).toBe(0);
  expect(circuit.waitMs(60)).toBe(40);
  expect(circuit.room(100)).toBe(1);
  circuit.take(1);
  expect(circuit.room(100)).toBe(0);
  expect(circuit.waitMs(100)).toBe(Number.POSITIVE_INFINITY);
});

test('a probe that fails opens it for another pause, and is not logged again', () => {
  const circuit = openCircuit();
  circuit.take(1);
  expect(circuit.failed(100)).toBeUndefined();
  expect(circuit.room(199)).toBe(0);
  expect(circuit.room(200)).toBe(1);
});

test('a probe that succeeds closes it', () => {
  const circuit = openCircuit();
  circuit.take(1);
  expect(circuit.succeeded()).toBe('closed');
  expect(circuit.room(100)).toBe(Number.POSITIVE_INFINITY);
});

test('a probe without work allows another one', () => {
  const circuit = openCircuit();
  circuit.take(1);
  circuit.ended();
  expect(circuit.room(100)).toBe(1);
});

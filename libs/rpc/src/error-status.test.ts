import { EideticError, ERROR_KINDS, type ErrorCode } from '@eidetic/core';
import { BadRequest, RetryInfo, Status } from '@eidetic/proto';
import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { errorOf, statusOf } from './error-status.ts';

/** A status as a client of grpc-js gets it. */
const received = (status: Partial<StatusObject> & { readonly code: number }): Error =>
  Object.assign(new Error(status.details), { details: '', metadata: new Metadata(), ...status });

const packedIn = ({ metadata }: StatusObject, name: string): Uint8Array | undefined => {
  const [bytes] = metadata.get('grpc-status-details-bin');
  const { details } = Status.decode(bytes as Buffer);
  return details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`)?.value;
};

const codes = Object.keys(ERROR_KINDS) as ErrorCode[];

describe('an error over gRPC', () => {
  it.each(codes)('keeps its code, message and details: %s', (code) => {
    const error = new EideticError(code, 'Wrong.', { details: { param: 'prompt', tokens: 5, exact: false } });
    const status = statusOf(error);
    expect(status.code).toBe(ERROR_KINDS[code].grpc);
    const back = errorOf(received(status));
    expect(back).toMatchObject({ code, details: error.details });
    if (code !== 'internal') expect(back.message).toBe('Wrong.');
  });

  it('says nothing of what was not foreseen', () => {
    const status = statusOf(EideticError.from(new Error('password: hunter2')));
    expect(status.code).toBe(13);
    expect(JSON.stringify([status.details, status.metadata.toJSON()])).not.toContain('hunter2');
    expect(String(status.metadata.get('grpc-status-details-bin'))).not.toContain('hunter2');
  });

  it('says when to try again if that may help', () => {
    const retry = packedIn(statusOf(new EideticError('overloaded', 'Full.')), 'RetryInfo');
    expect(RetryInfo.decode(retry ?? new Uint8Array())).toEqual({ retryDelay: { seconds: 1n, nanos: 0 } });
    const busy = new EideticError('overloaded', 'Full.', { details: { retryAfterMs: 2500 } });
    const later = RetryInfo.decode(packedIn(statusOf(busy), 'RetryInfo') ?? new Uint8Array());
    expect(later).toEqual({ retryDelay: { seconds: 2n, nanos: 500_000_000 } });
    expect(packedIn(statusOf(new EideticError('invalid_request', 'Wrong.')), 'RetryInfo')).toBeUndefined();
  });

  it('names the field that is to blame', () => {
    const error = new EideticError('invalid_request', 'prompt: empty.', { details: { param: 'prompt' } });
    const violations = packedIn(statusOf(error), 'BadRequest') ?? new Uint8Array();
    expect(BadRequest.decode(violations)).toEqual({
      fieldViolations: [{ field: 'prompt', description: 'prompt: empty.' }],
    });
    expect(packedIn(statusOf(new EideticError('invalid_request', 'Wrong.')), 'BadRequest')).toBeUndefined();
  });

  it('leaves out what is too long for a header, and cuts its message', () => {
    const details = { keys: 'k'.repeat(16_385), tokens: 5 };
    const back = errorOf(received(statusOf(new EideticError('embedding_missing', 'm'.repeat(2000), { details }))));
    expect(back).toMatchObject({ code: 'embedding_missing', details: { tokens: 5 } });
    expect(back.details).not.toHaveProperty('keys');
    expect(back.message).toBe(`${'m'.repeat(1024)}…`);
  });
});

describe('an error that is not ours', () => {
  it.each([
    [1, '', 'unavailable'],
    [3, '', 'invalid_request'],
    [4, '', 'deadline_exceeded'],
    [8, '', 'overloaded'],
    [8, 'Received message larger than max (5 vs 4)', 'body_too_large'],
    [8, 'Attempted to send message with a size larger than 4', 'body_too_large'],
    [12, '', 'method_not_allowed'],
    [14, '', 'unavailable'],
    [2, '', 'internal'],
    [15, '', 'internal'],
  ] as const)('gets the nearest code: %d %s is %s', (code, details, expected) => {
    expect(errorOf(received({ code, details }))).toMatchObject({ code: expected });
  });

  it.each([
    ['of another domain', { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from('\x0a\x01x') }],
    ['that are no message', { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from([0xff]) }],
    ['of another kind', { typeUrl: 'type.googleapis.com/google.rpc.Help', value: Buffer.of() }],
  ])('is read by its status when it has details %s', (_, detail) => {
    const metadata = new Metadata();
    const bytes = Status.encode({ code: 14, message: '', details: [detail] }).finish();
    metadata.set('grpc-status-details-bin', Buffer.from(bytes));
    expect(errorOf(received({ code: 14, metadata }))).toMatchObject({ code: 'unavailable' });
  });
});

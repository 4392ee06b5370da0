import { describe, expect, it } from 'vitest';
import { parseHostPattern } from './host-pattern.ts';

describe('parseHostPattern', () => {
  it.each([
    ['Example.COM', { kind: 'name', name: 'example.com', subdomains: false }],
    ['*.example.com', { kind: 'name', name: 'example.com', subdomains: true }],
    ['bücher.example', { kind: 'name', name: 'xn--bcher-kva.example', subdomains: false }],
    ['minio', { kind: 'name', name: 'minio', subdomains: false }],
    ['10.0.0.0/8', { kind: 'range' }],
    ['10.1.2.3', { kind: 'range' }],
    ['fd00::/8', { kind: 'range' }],
    ['::1', { kind: 'range' }],
  ])('reads %s', (text, expected) => {
    expect(parseHostPattern(text)).toMatchObject(expected);
  });

  it.each([
    '',
    '*',
    '*.',
    '*.*.example.com',
    'exa mple',
    'a,b',
    'http://a',
    'a:80',
    'a/b',
    'u@a',
    '10.0.0.0/33',
    '10.0/8',
    '0x7f.1',
    '[::1]',
  ])('refuses %j', (text) => {
    expect(parseHostPattern(text)).toBeUndefined();
  });
});

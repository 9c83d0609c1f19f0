import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Draft, having, prepared, updateRefusals } from '../testing/validation-table.ts';

const request = { name: 'gpu', exactly: { deviceClassName: 'gpu.acme.io' } };
const claim: Draft = { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', spec: { devices: { requests: [request] } } };
const given = { request: 'gpu', driver: 'gpu.acme.io', pool: 'p', device: 'd' };
const allocation = { devices: { results: [given] } };
const said = (status: object, before?: object): string[] =>
  updateRefusals(before ? { ...claim, status: before } : claim, { ...claim, status }, 'status');

test('what is given is what was asked for, from where it was defined', () => {
  assert.deepEqual(said({ allocation }), []);
  assert.deepEqual(
    said({ allocation: { devices: { results: [{ ...given, request: 'x', shareID: 'y' }], config: [{ source: 'Nowhere' }] } } }),
    [
      'status.allocation.devices.results[0].request: Invalid value: "x": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
      'status.allocation.devices.results[0].shareID: Invalid value: "y": error validating uid: invalid UUID length: 1',
      'status.allocation.devices.config[0].source: Unsupported value: "Nowhere": supported values: "FromClaim", "FromClass"',
      'status.allocation.devices.config[0].opaque: Required value',
    ],
  );
  assert.match(
    said({ allocation: { devices: {} } }, { allocation })[0] ?? '',
    /^status.allocation: Invalid value: .*: field is immutable$/,
  );
});

test('drivers speak of devices that were given, in conditions, data and addresses', () => {
  const { request: _request, ...device } = given;
  assert.deepEqual(said({ allocation, devices: [{ ...device, networkData: { ips: ['10.0.0.1/24', 'fd00::1/64'] }, data: {} }] }), []);
  assert.deepEqual(said({ allocation, devices: [{ ...device, device: 'e' }] }), [
    'status.devices[0]: Invalid value: {"Driver":"gpu.acme.io","Pool":"p","Device":"e","ShareID":""}: must be an allocated device in the claim',
  ]);
  assert.deepEqual(said({ allocation, devices: [{ ...device, data: 5, networkData: { ips: ['10.0.0.1', 'fd00::0:1/64'] } }] }), [
    'status.devices[0].data: Invalid value: "<value omitted>": must be a valid JSON object',
    'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
    'status.devices[0].networkData.ips[1]: Invalid value: "fd00::0:1/64": must be in canonical form ("fd00::1/64")',
  ]);
});

test('who asks for devices asks once: of a change only that is said', () => {
  const changed = updateRefusals(claim, having(claim, { 'spec.devices': { requests: [{ name: '' }] } }));
  assert.equal(changed.length, 1);
  assert.match(changed[0] ?? '', /^spec: Invalid value: .*: field is immutable$/);
});

test('a taint is dated when it does not say since when it is there', () => {
  const rule: Draft = {
    apiVersion: 'resource.k8s.io/v1beta2',
    kind: 'DeviceTaintRule',
    spec: { taint: { key: 'a', effect: 'NoExecute' } },
  };
  const { taint } = prepared(rule).object['spec'] as { taint: { timeAdded: string } };
  assert.equal(taint.timeAdded, '1970-01-01T00:00:00Z');
});

/**
 * The part of etcd's API (v3) that the store speaks, as gRPC wants to know it: field numbers, names and types. Field
 * numbers are etcd's public contract; see the API reference in etcd's documentation. Enums are sent as plain numbers.
 */

import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { CallOptions, ChannelCredentials, Client, ClientOptions, ClientUnaryCall, ServiceError } from '@grpc/grpc-js';
import {
  type ChannelOptions,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  loadPackageDefinition,
  type Metadata,
} from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** Message: fields, each as "number type name", "*" for a repeated one. */
const messages: Readonly<Record<string, string>> = {
  ResponseHeader: '1 uint64 cluster_id, 2 uint64 member_id, 3 int64 revision, 4 uint64 raft_term',
  KeyValue: '1 bytes key, 2 int64 create_revision, 3 int64 mod_revision, 4 int64 version, 5 bytes value, 6 int64 lease',
  RangeRequest:
    '1 bytes key, 2 bytes range_end, 3 int64 limit, 4 int64 revision, 8 bool keys_only, 9 bool count_only, 10 int64 min_mod_revision, 11 int64 max_mod_revision',
  RangeResponse: '1 ResponseHeader header, 2 *KeyValue kvs, 3 bool more, 4 int64 count',
  PutRequest: '1 bytes key, 2 bytes value',
  PutResponse: '1 ResponseHeader header',
  DeleteRangeRequest: '1 bytes key, 2 bytes range_end',
  DeleteRangeResponse: '1 ResponseHeader header, 2 int64 deleted',
  RequestOp: '1 RangeRequest request_range, 2 PutRequest request_put, 3 DeleteRangeRequest request_delete_range, 4 TxnRequest request_txn',
  ResponseOp:
    '1 RangeResponse response_range, 2 PutResponse response_put, 3 DeleteRangeResponse response_delete_range, 4 TxnResponse response_txn',
  Compare: '1 int32 result, 2 int32 target, 3 bytes key, 5 int64 create_revision, 6 int64 mod_revision',
  TxnRequest: '1 *Compare compare, 2 *RequestOp success, 3 *RequestOp failure',
  TxnResponse: '1 ResponseHeader header, 2 bool succeeded, 3 *ResponseOp responses',
  CompactionRequest: '1 int64 revision, 2 bool physical',
  CompactionResponse: '1 ResponseHeader header',
  WatchRequest: '1 WatchCreateRequest create_request, 3 WatchProgressRequest progress_request',
  WatchCreateRequest: '1 bytes key, 2 bytes range_end, 3 int64 start_revision, 6 bool prev_kv',
  WatchProgressRequest: '',
  WatchResponse:
    '1 ResponseHeader header, 2 int64 watch_id, 3 bool created, 4 bool canceled, 5 int64 compact_revision, 6 string cancel_reason, 11 *Event events',
  Event: '1 int32 type, 2 KeyValue kv, 3 KeyValue prev_kv',
  StatusRequest: '',
  StatusResponse: '1 ResponseHeader header, 2 string version, 3 int64 db_size, 9 int64 db_size_in_use',
};

/** Service: method, its request and response; all are unary but `Watch`. */
const services: Readonly<Record<string, readonly (readonly [string, string, string])[]>> = {
  KV: [
    ['Range', 'RangeRequest', 'RangeResponse'],
    ['Txn', 'TxnRequest', 'TxnResponse'],
    ['Compact', 'CompactionRequest', 'CompactionResponse'],
  ],
  Watch: [['Watch', 'WatchRequest', 'WatchResponse']],
  Maintenance: [['Status', 'StatusRequest', 'StatusResponse']],
};

export interface ResponseHeader {
  readonly revision: number;
}
export interface EtcdKeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
}
export interface RangeRequest {
  readonly key: Uint8Array;
  readonly range_end?: Uint8Array;
  readonly limit?: number;
  readonly revision?: number;
  readonly keys_only?: boolean;
  readonly count_only?: boolean;
  readonly min_mod_revision?: number;
  readonly max_mod_revision?: number;
}
export interface RangeResponse {
  readonly header: ResponseHeader;
  readonly kvs: readonly EtcdKeyValue[];
  readonly more: boolean;
  readonly count: number;
}
export interface Compare {
  readonly result: (typeof compareResult)[keyof typeof compareResult];
  readonly target: (typeof compareTarget)[keyof typeof compareTarget];
  readonly key: Uint8Array;
  readonly create_revision?: number;
  readonly mod_revision?: number;
}
export const compareResult = { equal: 0, greater: 1 } as const;
export const compareTarget = { createRevision: 1, modRevision: 2 } as const;
export type RequestOp =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: { readonly key: Uint8Array; readonly value: Uint8Array } }
  | { readonly request_delete_range: { readonly key: Uint8Array } }
  | { readonly request_txn: TxnRequest };
export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}
export interface TxnResponse {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly { readonly response_range: RangeResponse | null }[];
}
export interface StatusResponse {
  readonly version: string;
  readonly db_size: number;
  readonly db_size_in_use: number;
}
export type WatchRequest =
  | {
      readonly create_request: {
        readonly key: Uint8Array;
        readonly range_end?: Uint8Array;
        readonly start_revision: number;
        readonly prev_kv: boolean;
      };
    }
  | { readonly progress_request: Record<string, never> };
export interface WatchResponse {
  readonly header: ResponseHeader;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: number;
  readonly cancel_reason: string;
  readonly events: readonly { readonly type: number; readonly kv: EtcdKeyValue; readonly prev_kv: EtcdKeyValue | null }[];
}
export const deleteEvent = 1;

/** The unary methods: request and response by name. */
export interface UnaryMethods {
  Range: [RangeRequest, RangeResponse];
  Txn: [TxnRequest, TxnResponse];
  Compact: [{ revision: number; physical: boolean }, { header: ResponseHeader }];
  Status: [Record<string, never>, StatusResponse];
}

export type WatchCall = ClientReadableStream<WatchResponse> & ClientWritableStream<WatchRequest>;

type Unary<M extends keyof UnaryMethods> = (
  request: UnaryMethods[M][0],
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, response?: UnaryMethods[M][1]) => void,
) => ClientUnaryCall;

/** One member of the cluster, as gRPC clients that share a connection. */
export interface Member {
  readonly unary: { readonly [M in keyof UnaryMethods]: Unary<M> };
  watch(metadata: Metadata): WatchCall;
  /** One of the clients that share the member's channel. */
  readonly client: Client;
  close(): void;
}

export interface Tls {
  /** PEM: the authority that signed the servers' certificates; the system's where absent. */
  readonly ca?: Buffer;
  /** PEM: this client's certificate and key. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** A client of the member at `host` and `port`; `tls` absent: in the clear. Connects at the first call. */
export function createMember(host: string, port: string, tls: Tls | undefined, channelOptions: ChannelOptions): Member {
  const address = `${host}:${port}`;
  const ip = host.replace(/^\[|\]$/g, '');
  // An IP address is no name that TLS can ask for (Node.js 26 refuses it): ask for another, and check the address.
  const byAddress = tls !== undefined && isIP(ip) !== 0;
  const verify = byAddress
    ? { checkServerIdentity: (_: string, certificate: PeerCertificate) => checkServerIdentity(ip, certificate) }
    : {};
  const options = byAddress ? { ...channelOptions, 'grpc.ssl_target_name_override': 'address.invalid' } : channelOptions;
  const channelCredentials: ChannelCredentials = tls
    ? credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null, verify)
    : credentials.createInsecure();
  const make = (service: string, shared: ClientOptions): GenericClient =>
    new (clients[service] as ClientClass)(address, channelCredentials, shared);
  const kv = make('KV', options);
  const channelOverride = kv.getChannel();
  const watch = make('Watch', { channelOverride });
  const maintenance = make('Maintenance', { channelOverride });
  const bind = <M extends keyof UnaryMethods>(client: GenericClient, method: M): Unary<M> => (client[method] as Unary<M>).bind(client);
  return {
    unary: { Range: bind(kv, 'Range'), Txn: bind(kv, 'Txn'), Compact: bind(kv, 'Compact'), Status: bind(maintenance, 'Status') },
    watch: (metadata) => (watch.Watch as (metadata: Metadata) => WatchCall).call(watch, metadata),
    client: kv,
    close: () => kv.close(),
  };
}

type GenericClient = Client & Record<string, unknown>;
type ClientClass = new (address: string, channelCredentials: ChannelCredentials, options: ClientOptions) => GenericClient;

const clients = load();

function load(): Record<string, ClientClass> {
  const nested: Record<string, object> = {};
  for (const [name, text] of Object.entries(messages)) nested[name] = { fields: parseFields(text) };
  for (const [name, methods] of Object.entries(services)) {
    const stream = name === 'Watch';
    const entries = methods.map(([method, requestType, responseType]) => {
      return [method, { requestType, responseType, requestStream: stream, responseStream: stream }];
    });
    nested[name] = { methods: Object.fromEntries(entries) };
  }
  const definition = fromJSON({ nested: { etcdserverpb: { nested } } } as Parameters<typeof fromJSON>[0], {
    keepCase: true,
    longs: Number,
    defaults: true,
    arrays: true,
  });
  return (loadPackageDefinition(definition) as unknown as { etcdserverpb: Record<string, ClientClass> }).etcdserverpb;
}

function parseFields(text: string): Record<string, object> {
  const fields: Record<string, object> = {};
  for (const field of text.split(', ').filter(Boolean)) {
    const [id, type, name] = field.split(' ') as [string, string, string];
    fields[name] = { id: Number(id), type: type.replace('*', ''), ...(type.startsWith('*') && { rule: 'repeated' }) };
  }
  return fields;
}

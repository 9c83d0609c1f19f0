import { toBase64 } from '../../client/credentials/base64.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { FlagSpec } from '../flags.ts';
import { readText } from '../manifests.ts';
import { createOne } from './create-one.ts';

const sourceFlags: readonly FlagSpec[] = [
  { name: 'from-literal', kind: 'list', help: 'key=value.' },
  { name: 'from-file', kind: 'list', help: 'A file (its name is the key), key=file, or a directory of files.' },
  { name: 'from-env-file', kind: 'list', help: 'A file of lines key=value.' },
];

export const createConfigMap = createOne({
  name: 'configmap',
  aliases: ['cm'],
  short: 'Make a config map from literals, files or directories',
  usage: 'NAME [--from-literal=key=value] [--from-file=[key=]source] [--from-env-file=file]',
  flags: sourceFlags,
  async build(context, name, input) {
    const data: Record<string, string> = {};
    const binaryData: Record<string, string> = {};
    for (const [key, bytes] of await readSources(context, input)) {
      const text = utf8(bytes);
      if (text === undefined) binaryData[key] = toBase64(bytes);
      else data[key] = text;
    }
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      ...(Object.keys(data).length > 0 ? { data } : {}),
      ...(Object.keys(binaryData).length > 0 ? { binaryData } : {}),
    };
  },
});

const generic = createOne({
  name: 'generic',
  short: 'Make a secret from literals, files or directories',
  usage: 'NAME [--type=string] [--from-literal=key=value] [--from-file=[key=]source] [--from-env-file=file]',
  flags: [...sourceFlags, { name: 'type', kind: 'string', default: 'Opaque', help: 'The type of the secret.' }],
  async build(context, name, input) {
    const sources = await readSources(context, input);
    const data = Object.fromEntries([...sources].map(([key, bytes]) => [key, toBase64(bytes)]));
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: input.flags.string('type'), data };
  },
});

const tls = createOne({
  name: 'tls',
  short: 'Make a secret of a certificate and its key',
  usage: 'NAME --cert=path/to/cert/file --key=path/to/key/file',
  flags: [
    { name: 'cert', kind: 'string', help: 'PEM file of the certificate.' },
    { name: 'key', kind: 'string', help: 'PEM file of the private key.' },
  ],
  async build({ io }, name, { flags }) {
    if (!flags.has('cert') || !flags.has('key')) throw new CommandError('both --cert and --key are required');
    const read = async (flag: string): Promise<string> => toBase64(new TextEncoder().encode(await readText(io, flags.string(flag))));
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': await read('cert'), 'tls.key': await read('key') },
    };
  },
});

export const createSecret: Command = { name: 'secret', short: 'Make a secret', subcommands: [generic, tls] };

async function readSources({ io }: CommandContext, { flags }: CommandInput): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  const add = (key: string, bytes: Uint8Array): void => {
    if (!/^[-._a-zA-Z0-9]+$/.test(key))
      throw new CommandError(`${JSON.stringify(key)} is not a valid key name: a valid key consists of letters, digits, '-', '_' or '.'`);
    if (found.has(key)) throw new CommandError(`cannot add key ${JSON.stringify(key)}, another key by that name already exists`);
    found.set(key, bytes);
  };
  for (const literal of flags.list('from-literal')) {
    const equals = literal.indexOf('=');
    if (equals <= 0) throw new CommandError(`invalid literal source ${literal}, expected key=value`);
    add(literal.slice(0, equals), new TextEncoder().encode(literal.slice(equals + 1).replace(/^(["'])(.*)\1$/s, '$2')));
  }
  for (const source of flags.list('from-file')) {
    const equals = source.indexOf('=');
    const path = source.slice(equals + 1);
    const names = await io.listDirectory(path).catch((error: unknown) => {
      throw new CommandError(`error reading ${path}: no such file or directory`, { cause: error });
    });
    if (names === undefined) add(equals < 0 ? (path.split('/').at(-1) ?? path) : source.slice(0, equals), await io.readFile(path));
    else {
      if (equals >= 0) throw new CommandError('cannot give a key name for a directory path');
      for (const name of names) {
        const inside = `${path}/${name}`;
        if ((await io.listDirectory(inside)) === undefined && /^[-._a-zA-Z0-9]+$/.test(name)) add(name, await io.readFile(inside));
      }
    }
  }
  for (const path of flags.list('from-env-file')) {
    for (const line of (await readText(io, path)).split(/\r?\n/)) {
      const text = line.trimStart();
      if (text === '' || text.startsWith('#')) continue;
      const equals = text.indexOf('=');
      const key = equals < 0 ? text : text.slice(0, equals);
      add(key, new TextEncoder().encode(equals < 0 ? (io.env?.[key] ?? '') : text.slice(equals + 1)));
    }
  }
  return found;
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

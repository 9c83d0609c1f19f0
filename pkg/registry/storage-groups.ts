import type { ResourceDeclaration } from './contract.ts';

/** The served versions of each stored resource, the one it is stored in first. What cannot be listed is not stored. */
export function groupByStorage(declarations: readonly ResourceDeclaration[]): ResourceDeclaration[][] {
  const groups = new Map<string, ResourceDeclaration[]>();
  for (const declaration of declarations) {
    if (!declaration.verbs.includes('list')) continue;
    const group = groups.get(declaration.storagePrefix);
    if (group) group.push(declaration);
    else groups.set(declaration.storagePrefix, [declaration]);
  }
  return [...groups.values()].map((group) => group.sort((a, b) => storageRank(b) - storageRank(a)));
}

/** The newest stable version is stored; events in the group they first came from. */
function storageRank({ group, version }: ResourceDeclaration): number {
  const [, major = '0', stage, minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  const stability = stage === undefined ? 2 : stage === 'beta' ? 1 : 0;
  return stability * 1_000_000 + Number(major) * 1_000 + Number(minor) * 10 + (group === '' ? 1 : 0);
}

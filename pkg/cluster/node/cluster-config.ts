import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a cluster is, as it was made: `cluster.json` in its directory. */
export interface ClusterConfig {
  readonly version: 1;
  readonly name: string;
  readonly runtime: 'embedded' | 'fake';
  readonly nodes: readonly string[];
  readonly serviceCIDR: string;
  readonly podNetwork?: string;
  readonly nodeNetwork?: string;
}

const file = 'cluster.json';

/** Undefined for a new directory. Throws, with what to do, for one that is damaged or of another version. */
export function readClusterConfig(directory: string): ClusterConfig | undefined {
  const path = join(directory, file);
  if (!existsSync(path)) return undefined;
  let config: Partial<ClusterConfig>;
  try {
    config = JSON.parse(readFileSync(path, 'utf8')) as Partial<ClusterConfig>;
  } catch (cause) {
    throw new Error(`${path} is damaged; mend it, or begin anew with: gokube delete`, { cause });
  }
  if (config.version !== 1 || !config.name || !Array.isArray(config.nodes)) {
    throw new Error(`${path} was written by another version of GoKube (${config.version ?? 'unknown'}); this one reads version 1`);
  }
  return config as ClusterConfig;
}

export function writeClusterConfig(directory: string, config: ClusterConfig): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, file);
  writeFileSync(`${path}.part`, `${JSON.stringify(config, undefined, 2)}\n`);
  renameSync(`${path}.part`, path);
}

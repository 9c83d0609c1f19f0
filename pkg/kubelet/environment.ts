import type { Container, EnvVar, Pod } from '../api/generated/core-v1.ts';
import { podField, resourceField } from './downward-api.ts';
import { expandVariables } from './expand-variables.ts';
import type { KubeletContext } from './kubelet-context.ts';
import type { NodeObjects } from './node-objects.ts';
import { serviceVariables } from './service-variables.ts';
import { StartFailure } from './start-failure.ts';

export type Variables = readonly { readonly name: string; readonly value: string }[];

/**
 * A container's environment: services, then `envFrom`, then `env`, the later ones winning. References `$(NAME)` see
 * what stands before them. Throws StartFailure CreateContainerConfigError for what is missing and not optional.
 * https://kubernetes.io/docs/tasks/inject-data-application/
 */
export async function environmentOf(
  pod: Pod,
  container: Container,
  podIPs: readonly string[],
  context: Pick<KubeletContext, 'hostIPs' | 'node'>,
  objects: NodeObjects,
): Promise<Variables> {
  const namespace = pod.metadata.namespace ?? '';
  const services = new Map(serviceVariables(objects.services(namespace, pod.spec.enableServiceLinks ?? true)));
  const result = new Map<string, string>();

  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const reference = configMapRef ?? secretRef;
    const name = reference?.name ?? '';
    const data = configMapRef ? await objects.configMapText(namespace, name) : await objects.secretText(namespace, name);
    if (!data && !reference?.optional) throw missing(`${configMapRef ? 'configmap' : 'secret'} "${name}" not found`);
    for (const key of Object.keys(data ?? {}).sort()) if (isVariableName(prefix + key)) result.set(prefix + key, data?.[key] ?? '');
  }

  const known = { get: (name: string) => result.get(name) ?? services.get(name) } as ReadonlyMap<string, string>;
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? await fromSource(pod, container, variable.valueFrom, podIPs, context, objects)
      : expandVariables(variable.value ?? '', known);
    // Nothing: an optional reference that is not there.
    if (value !== undefined) result.set(variable.name, value);
  }
  for (const [name, value] of services) if (!result.has(name)) result.set(name, value);
  return [...result].map(([name, value]) => ({ name, value }));
}

async function fromSource(
  pod: Pod,
  container: Container,
  source: NonNullable<EnvVar['valueFrom']>,
  podIPs: readonly string[],
  context: Pick<KubeletContext, 'hostIPs' | 'node'>,
  objects: NodeObjects,
): Promise<string | undefined> {
  const namespace = pod.metadata.namespace ?? '';
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  try {
    if (fieldRef) return podField(pod, fieldRef.fieldPath, { podIPs, hostIPs: context.hostIPs });
    if (resourceFieldRef) {
      const target =
        [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === resourceFieldRef.containerName) ??
        container;
      return resourceField(target, resourceFieldRef, context.node());
    }
  } catch (error) {
    throw missing(error instanceof Error ? error.message : String(error));
  }
  const reference = configMapKeyRef ?? secretKeyRef;
  if (!reference) throw missing('invalid valueFrom: no source that this node knows');
  const { name = '', key, optional } = reference;
  const data = configMapKeyRef ? await objects.configMapText(namespace, name) : await objects.secretText(namespace, name);
  const kind = configMapKeyRef ? 'ConfigMap' : 'Secret';
  if (!data) {
    if (optional) return undefined;
    throw missing(`${kind.toLowerCase()} "${name}" not found`);
  }
  const value = data[key];
  if (value === undefined && !optional) throw missing(`couldn't find key ${key} in ${kind} ${namespace}/${name}`);
  return value;
}

function missing(message: string): StartFailure {
  return new StartFailure('CreateContainerConfigError', message);
}

/** Any printable ASCII but `=`: what the kernel can carry and a shell can be asked for. */
function isVariableName(name: string): boolean {
  return /^[ -<>-~]+$/.test(name);
}

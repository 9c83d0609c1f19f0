/** resource.k8s.io/v1beta1 has no `exactly` around a request, and a `basic` around a device. */
import { isObject, objectAt, objects, type Raw } from '../raw.ts';

const exact = ['deviceClassName', 'selectors', 'allocationMode', 'count', 'adminAccess', 'tolerations', 'capacity'];

function requestToV1beta1({ exactly, ...request }: Raw): Raw {
  return isObject(exactly) ? { ...request, ...exactly } : { ...request, deviceClassName: '' };
}

function requestToStored(request: Raw): Raw {
  const said = Object.entries(request).filter(([key, value]) => exact.includes(key) && value !== '');
  const rest = Object.fromEntries(Object.entries(request).filter(([key]) => !exact.includes(key)));
  return said.length > 0 ? { ...rest, exactly: Object.fromEntries(said) } : rest;
}

/** `spec` of a claim. */
function claimSpec(spec: unknown, convert: (request: Raw) => Raw): unknown {
  if (!isObject(spec) || !isObject(spec['devices'])) return spec;
  const { requests } = spec['devices'];
  return Array.isArray(requests) ? { ...spec, devices: { ...spec['devices'], requests: objects(requests).map(convert) } } : spec;
}

function withSpec(object: Raw, spec: unknown): Raw {
  return spec === undefined ? object : { ...object, spec };
}

export const claimToV1beta1 = (claim: Raw): Raw => withSpec(claim, claimSpec(claim['spec'], requestToV1beta1));
export const claimToStored = (claim: Raw): Raw => withSpec(claim, claimSpec(claim['spec'], requestToStored));

function template(convert: (request: Raw) => Raw): (object: Raw) => Raw {
  return (object) => {
    const spec = objectAt(object['spec']);
    const inner = claimSpec(spec['spec'], convert);
    return inner === undefined ? object : { ...object, spec: { ...spec, spec: inner } };
  };
}
export const templateToV1beta1 = template(requestToV1beta1);
export const templateToStored = template(requestToStored);

function slice(convert: (device: Raw) => Raw): (object: Raw) => Raw {
  return (object) => {
    const spec = objectAt(object['spec']);
    return Array.isArray(spec['devices']) ? { ...object, spec: { ...spec, devices: objects(spec['devices']).map(convert) } } : object;
  };
}
export const sliceToV1beta1 = slice(({ name, ...basic }) => ({ name, basic }));
export const sliceToStored = slice(({ name, basic }) => ({ name, ...objectAt(basic) }));

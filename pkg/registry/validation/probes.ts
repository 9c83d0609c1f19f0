/** What a container is asked while it runs, and what is done when it begins and ends. */
import { forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, objects, strings, text } from '../raw.ts';
import { httpHeaderName, portName, portNumber } from './names.ts';
import { osOf, type PodReport } from './pod-report.ts';
import { atLeast, fields, needed, notNegative, object, type Rule, strictOneOf } from './rules.ts';
import { below, type Validator } from './validator.ts';

/** A number, or the name of one of the container's ports. */
const port: Rule = (value, path, report) => {
  const reasons = typeof value === 'string' ? portName(value) : portNumber(Number(value ?? 0));
  for (const reason of reasons) report(invalidField(path, value ?? 0, reason));
};

const headers: Rule = (value, path, report) => {
  for (const { name } of objects(value)) for (const reason of httpHeaderName(text(name))) report(invalidField(path, text(name), reason));
};

const sleep: Validator<PodReport> = ({ seconds }, path, report) => {
  const grace = Number(report.pod.spec['terminationGracePeriodSeconds'] ?? 0);
  const time = Number(seconds ?? 0);
  if (time < 0 || time > grace)
    report(invalidField(path, time, `must be non-negative and less than terminationGracePeriodSeconds (${grace})`));
};

const handlers: Readonly<Record<string, Validator<PodReport>>> = {
  exec: ({ command }, path, report) => {
    if (strings(command).length === 0) report(requiredField(below(path, 'command')));
  },
  httpGet: fields({ path: needed(), port, scheme: strictOneOf(['HTTP', 'HTTPS']), httpHeaders: headers }),
  tcpSocket: fields({ port }),
  grpc: fields({ port }),
  sleep,
};

/** The first of them counts; others are refused unseen. */
const handler: Validator<PodReport> = (value, path, report) => {
  const given = Object.entries(handlers).filter(([name]) => isObject(value[name]));
  for (const [i, [name, validate]] of given.entries()) {
    if (i === 0) object(validate)(value[name], below(path, name), report);
    else report(forbiddenField(below(path, name), 'may not specify more than 1 handler type'));
  }
  if (given.length === 0) report(requiredField(path, 'must specify a handler type'));
};

const times = fields({
  initialDelaySeconds: notNegative,
  timeoutSeconds: notNegative,
  periodSeconds: notNegative,
  successThreshold: notNegative,
  failureThreshold: notNegative,
  terminationGracePeriodSeconds: atLeast(1, 'must be greater than 0'),
});

const probe =
  (own: Validator): Rule<PodReport> =>
  (value, path, report) => {
    if (!isObject(value)) return;
    handler(value, path, report);
    times(value, path, report);
    own(value, path, report);
  };
const once = probe(({ successThreshold }, path, report) => {
  const given = successThreshold ?? 0;
  if (given !== 1) report(invalidField(below(path, 'successThreshold'), given, 'must be 1'));
});
const ready = probe(({ terminationGracePeriodSeconds: grace }, path, report) => {
  if (grace !== undefined) report(invalidField(below(path, 'terminationGracePeriodSeconds'), grace, 'must not be set for readinessProbes'));
});

const realTime = (name: string, count: number, sign: string): string[] =>
  Array.from({ length: count + 1 }, (_, i) => (i === 0 ? name : `${name}${sign}${i}`));
const signals = [
  ...'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ'
    .split(' ')
    .map((name) => `SIG${name}`),
  ...realTime('SIGRTMIN', 15, '+'),
  ...realTime('SIGRTMAX', 14, '-'),
].sort();

const stopSignal: Rule<PodReport> = (value, path, report) => {
  if (value === undefined) return;
  const system = osOf(report.pod);
  if (!isObject(report.pod.spec['os'])) report(forbiddenField(path, 'may not be set for containers with empty `spec.os.name`'));
  else if (system === 'windows') strictOneOf(['SIGKILL', 'SIGTERM'])(value, path, report);
  else if (system === 'linux') strictOneOf(signals)(value, path, report);
};

/** What only a container that goes on has. */
export const whileRunning: Readonly<Record<string, Rule<PodReport>>> = {
  lifecycle: object(fields<PodReport>({ postStart: object(handler), preStop: object(handler), stopSignal })),
  livenessProbe: once,
  readinessProbe: ready,
  startupProbe: once,
};

/** The environment of Kubernetes 1.36: CEL's standard functions and the libraries on top of them. */
import { Environment } from '../environment.ts';
import { calendar } from './calendar.ts';
import { conversions } from './conversions.ts';
import { optionals } from './optionals.ts';
import { regexes } from './regexes.ts';
import { standard } from './standard.ts';

export const kubernetesEnvironment = Environment.of([...standard, ...conversions, ...calendar, ...optionals, ...regexes]);

/** The environment of Kubernetes 1.36: CEL's standard functions and the libraries on top of them. */
import { Environment } from '../environment.ts';
import { addresses } from './addresses.ts';
import { calendar } from './calendar.ts';
import { conversions } from './conversions.ts';
import { namedFormats } from './formats.ts';
import { lists } from './lists.ts';
import { optionals } from './optionals.ts';
import { quantities } from './quantities.ts';
import { regexes } from './regexes.ts';
import { semvers } from './semvers.ts';
import { sets } from './sets.ts';
import { standard } from './standard.ts';
import { strings } from './strings.ts';
import { urls } from './urls.ts';

export const kubernetesEnvironment = Environment.of(
  [standard, conversions, calendar, optionals, strings, regexes, lists, sets, urls, addresses, quantities, semvers, namedFormats].flat(),
);

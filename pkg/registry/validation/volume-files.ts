/** Files of volumes: where they stand, and who may read them. */
import { notReserved } from './paths.ts';
import { fileContent } from './pod-environment.ts';
import { between, both, fields, needed } from './rules.ts';
import { below, type Validator } from './validator.ts';

export const fileMode = between(0, 0o777, 'must be a number between 0 and 0777 (octal), both inclusive');
export const filePath = both(needed(), notReserved);

/** A key of a ConfigMap or Secret, and the file that it becomes. */
export const keyToPath = fields({ key: needed(), path: filePath, mode: fileMode });

/** What the API says of the pod, in a file. */
export const downwardFile: Validator = (file, path, report) => {
  filePath(file['path'], below(path, 'path'), report);
  fileContent(file, path, report);
  fileMode(file['mode'], below(path, 'mode'), report);
};

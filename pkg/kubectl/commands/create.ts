import { type Command, dryRunFlag, dryRunOf, fieldManagerFlag, filenameFlags, outputFlag } from '../command.ts';
import { CommandError, during, UsageError } from '../failure.ts';
import { withLastApplied } from '../last-applied.ts';
import { type LooseObject, readManifests } from '../manifests.ts';
import { didYouMean } from '../suggest.ts';
import { targetOfManifest } from '../targets.ts';
import { createConfigMap, createSecret } from './create-config.ts';
import { createDeployment, createJob, createNamespace, createServiceAccount, createToken } from './create-kinds.ts';
import { createService } from './create-service.ts';
import { endWith } from './get.ts';
import { resultPrinter, validationFlag, validationOf } from './write-object.ts';

export const create: Command = {
  name: 'create',
  short: 'Make objects from files, or one from flags',
  usage: '-f FILENAME',
  examples: `
kubectl create -f pod.yaml
kubectl create deployment web --image=gokube/host --replicas=3
kubectl create namespace team-a`,
  flags: [
    ...filenameFlags,
    outputFlag,
    dryRunFlag,
    validationFlag,
    fieldManagerFlag('kubectl-create'),
    { name: 'save-config', kind: 'bool', help: 'Keep the file in an annotation, for kubectl apply.' },
  ],
  subcommands: [
    createDeployment,
    createNamespace,
    createConfigMap,
    createSecret,
    createService,
    createServiceAccount,
    createJob,
    createToken,
  ],
  async run(context, { flags, args }) {
    const [word] = args;
    if (word !== undefined && !flags.has('filename')) {
      const names = (create.subcommands ?? []).flatMap(({ name, aliases = [] }) => [name, ...aliases]);
      throw new UsageError(`unknown command ${JSON.stringify(word)} for "kubectl create"${didYouMean(word, names)}`);
    }
    if (!flags.has('filename')) throw new CommandError('must specify one of -f and -k');
    if (args.length > 0) throw new CommandError(`Unexpected args: [${args.join(' ')}]`);
    const dryRun = dryRunOf(flags);
    const print = await resultPrinter(context, flags, dryRun);
    const failures: unknown[] = [];
    for (const manifest of await readManifests(context.io, flags)) {
      try {
        const { info, namespace } = await targetOfManifest(context, manifest);
        const object = flags.bool('save-config') ? withLastApplied(manifest.object) : manifest.object;
        const query = {
          fieldManager: flags.string('field-manager'),
          fieldValidation: validationOf(flags),
          dryRun: dryRun === 'server' ? 'All' : undefined,
        };
        const made = dryRun === 'client' ? object : ((await context.api.create(info, namespace, object, query)) as LooseObject);
        await print(info, made, 'created');
      } catch (error) {
        failures.push(during(error, `error when creating ${JSON.stringify(manifest.source)}`));
        if (context.io.signal.aborted) throw error;
      }
    }
    return endWith(context, failures);
  },
};

import { apiVersionOf } from '../../api/object.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../failure.ts';
import { formatTable } from '../output/table.ts';
import { preferred, qualifiedName } from '../resource-mapper.ts';

export const apiResources: Command = {
  name: 'api-resources',
  short: 'Show the resources that the server has',
  examples: 'kubectl api-resources --namespaced=true -o name',
  flags: [
    { name: 'output', short: 'o', kind: 'string', help: 'wide or name.' },
    { name: 'no-headers', kind: 'bool', help: 'No line with the names of columns.' },
    { name: 'namespaced', kind: 'bool', default: true, help: 'Only those in namespaces, or (=false) only the others.' },
    { name: 'api-group', kind: 'string', help: 'Only those of this group.' },
    { name: 'verbs', kind: 'strings', help: 'Only those with these verbs.' },
    { name: 'categories', kind: 'strings', help: 'Only those in these categories.' },
    { name: 'sort-by', kind: 'string', help: 'name or kind.' },
  ],
  async run(context, { flags, args }) {
    if (args.length > 0)
      throw new CommandError(`unexpected arguments: [${args.join(' ')}]\nSee 'kubectl api-resources -h' for help and examples`);
    const output = flags.string('output');
    if (!['', 'wide', 'name'].includes(output)) throw new CommandError(`--output ${output} is not available in kubectl api-resources`);
    const sortBy = flags.string('sort-by');
    if (!['', 'name', 'kind'].includes(sortBy)) throw new CommandError('--sort-by accepts only name or kind');
    const verbs = flags.list('verbs');
    const categories = flags.list('categories');
    const found = preferred(await context.mapper.all()).filter(
      (info) =>
        (!flags.has('namespaced') || info.namespaced === flags.bool('namespaced')) &&
        (!flags.has('api-group') || info.group === flags.string('api-group')) &&
        verbs.every((verb) => info.verbs.includes(verb)) &&
        categories.every((category) => info.categories.includes(category)),
    );
    const key = (info: (typeof found)[number]): string =>
      sortBy === 'kind' ? info.kind : sortBy === 'name' ? info.resource : `${info.group}\0${info.resource}`;
    found.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
    if (output === 'name') {
      for (const info of found) await context.print(qualifiedName(info));
      return 0;
    }
    const lines = found.map((info) => [
      info.resource,
      info.shortNames.join(','),
      apiVersionOf(info),
      String(info.namespaced),
      info.kind,
      ...(output === 'wide' ? [info.verbs.join(','), info.categories.join(',')] : []),
    ]);
    const heads = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(output === 'wide' ? ['VERBS', 'CATEGORIES'] : [])];
    await context.io.stdout(formatTable([...(flags.bool('no-headers') ? [] : [heads]), ...lines]));
    return 0;
  },
};

export const apiVersions: Command = {
  name: 'api-versions',
  short: 'Show the groups and versions that the server has',
  async run(context) {
    const versions = new Set((await context.mapper.all()).map(apiVersionOf));
    for (const version of [...versions].sort()) await context.print(version);
    return 0;
  },
};

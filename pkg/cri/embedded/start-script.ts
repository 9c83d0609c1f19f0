import { type MountPass, stage } from './mount-lists.ts';
import { type Toolkit, type ToolkitProgram, toolkitCommand, toolkitMount } from './toolkit.ts';

/**
 * The shell script that turns a new process into a container, step by step; it lies in the container's folder as
 * `start.sh`, to be read. It runs inside the container's namespaces, as their first process.
 *
 * Until pivot_root it works with the machine's programs and the mount list `before.fstab`, all of whose targets are
 * paths of ours. After it, the machine's root is let go of first; only then are paths touched that the image or a
 * volume decides on (mount targets, working directory), so that no symbolic link can lead out. The pod's volumes
 * wait for that at `/dev/.gokube/from`. What comes from the pod (environment, command, names) is quoted data.
 *
 * Its words on stdout are launch-report.ts'.
 */
export interface StartPlan {
  /** Where the layers lie: the folders in overlay's options are relative to it. */
  readonly layers: string;
  readonly beforeFstab: string;
  readonly root: string;
  /** Their lists are `fstab.0`, `fstab.1`, … in the stage, then `fstab.last`. */
  readonly passes: readonly Omit<MountPass, 'fstab'>[];
  readonly cgroupProcs: readonly string[];
  readonly oomScoreAdj: number | undefined;
  readonly tty: boolean;
  readonly stdin: boolean;
  /** With the machine's process ids, /proc leads everywhere: it must not be there while targets are made. */
  readonly hideProc: boolean;
  readonly readonlyRoot: boolean;
  readonly workingDir: string;
  /** `1000`, `alice`, `1000:1000`, `alice:users`; empty: root. */
  readonly user: string;
  readonly group: string | undefined;
  readonly supplementalGroups: readonly number[];
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  /** Command and arguments, at least one. */
  readonly command: readonly string[];
  readonly boundingSet: string;
  readonly noNewPrivileges: boolean;
}

export function startScript(plan: StartPlan, toolkit: Toolkit): string {
  const tool = (program: ToolkitProgram): string => toolkitCommand(toolkit, program);
  const mount = `${tool('mount')} -n -i`;
  const hideProc = plan.hideProc ? `${tool('umount')} -n -i -c -l /proc` : '';
  const showProc = plan.hideProc ? `${mount} -t proc -o nosuid,nodev,noexec proc /proc` : '';
  const names = new Set(plan.environment.map(({ name }) => name));
  const assignments = plan.environment.map(({ name, value }) => quote(`${name}=${value}`));
  const path = plan.environment.findLast(({ name }) => name === 'PATH')?.value ?? '';
  const [userName = '', groupName = ''] = plan.user.split(':');
  return `# Start of container ${plan.root}
set -e
umask 0022
exec 6>&2 2>&1
fail() { echo "error $1"; exit 127; }
read -r pid rest </proc/self/stat
echo "pid $pid"
${joinCgroups(plan.cgroupProcs)}
# To be killed later than others takes CAP_SYS_RESOURCE, which root in a container of its own may not have.
${plan.oomScoreAdj === undefined ? '' : `{ echo ${plan.oomScoreAdj} >/proc/self/oom_score_adj; } 2>/dev/null || :`}

# The image's root and what the runtime itself puts there.
cd ${quote(plan.layers)}
mount -n -i -a -T ${quote(plan.beforeFstab)}
${plan.tty ? `mount -n -i --bind "$(tty)" ${quote(`${plan.root}/dev/console`)}` : ''}
cd ${quote(plan.root)}
pivot_root . ${toolkitMount.slice(1)}/old
cd /
${tool('umount')} -n -i -c -l ${toolkitMount}/old

# The pod's mounts, now that nothing leads out.
folder() { [ -d "$1" ] || ${tool('mkdir')} -p -- "$1"; }
file() { [ -e "$1" ] || { folder "\${1%/*}/"; : >"$1"; }; }
${hideProc}
${plan.passes
  .flatMap(({ folders, files }, at) => [
    ...folders.map((target) => `folder ${quote(target)}`),
    ...files.map((target) => `file ${quote(target)}`),
    showProc,
    `${mount} -a -T ${stage}/fstab.${at}`,
    hideProc,
  ])
  .join('\n')}
folder ${quote(plan.workingDir)}
${showProc}
${mount} -a -T ${stage}/fstab.last
${tool('umount')} -n -i -c -l ${stage}

# Who runs it.
user=${quote(userName || '0')} group=${quote(plan.group ?? groupName)} uid= gid=0 name= home=/ groups=${quote(plan.supplementalGroups.map((id) => `,${id}`).join(''))}
number() { case "$1" in '' | *[!0-9]*) return 1 ;; esac; }
if number "$user"; then uid=$user; fi
if [ -f /etc/passwd ]; then
  while IFS=: read -r n x u g x h x || [ -n "$n" ]; do
    if [ "$n" = "$user" ] || [ "$u" = "$user" ]; then
      if number "$u" && number "$g"; then name=$n uid=$u gid=$g home=\${h:-/}; break; fi
    fi
  done </etc/passwd
fi
[ -n "$uid" ] || fail "unable to find user $user: no matching entries in passwd file"
wanted=
if [ -n "$group" ] && number "$group"; then gid=$group wanted=$group; fi
if [ -f /etc/group ]; then
  while IFS=: read -r n x g m || [ -n "$n" ]; do
    number "$g" || continue
    if [ -n "$group" ] && [ "$n" = "$group" ]; then gid=$g wanted=$g; fi
    [ -n "$name" ] || continue
    case ",$m," in *",$name,"*) groups=$groups,$g ;; esac
  done </etc/group
fi
[ -z "$group" ] || [ -n "$wanted" ] || fail "unable to find group $group: no matching entries in group file"
groups=\${groups#,}
echo "identity $uid $gid \${groups:--} $home"
if [ -n "$groups" ]; then groups="--groups $groups"; else groups=--clear-groups; fi
${stdioOwner(plan, tool('chown'))}

# Where, and what. A path that leads out of the root is none that the kernel could name from here.
cd -P ${quote(plan.workingDir)}
case "$PWD" in /*) ;; *) fail "the working directory leads out of the container" ;; esac
${plan.readonlyRoot ? `${mount} -o remount,bind,ro,nodev overlay /` : ''}
${findCommand}
find_command ${quote(plan.command[0] as string)} ${quote(path)}
wait "$joining" || fail "cannot enter the container's control groups"
echo ok
exec 2>&6 6>&-
exec ${tool('setpriv')} --pdeathsig KILL --reuid "$uid" --regid "$gid" $groups --inh-caps=-all --bounding-set=${plan.boundingSet}${plan.noNewPrivileges ? ' --no-new-privs' : ''} -- \\
  ${tool('env')} -i ${assignments.join(' ')}${names.has('HOME') ? '' : ' HOME="$home"'} \\
  ${programWords(plan.command[0] as string, tool('sh'))}${plan.command.map(quote).join(' ')}
`;
}

/** \`command\` as a shell word each, found as execvp would; the messages are those of other runtimes. */
const findCommand = `find_command() {
  case "$1" in
  */*)
    [ -e "$1" ] || fail "exec: \\"$1\\": stat $1: no such file or directory"
    [ ! -d "$1" ] || fail "exec: \\"$1\\": is a directory"
    [ -x "$1" ] || fail "exec: \\"$1\\": permission denied"
    found=$1
    ;;
  *)
    set -f
    IFS=:
    for place in $2; do
      if [ -f "$place/$1" ] && [ -x "$place/$1" ]; then found=$place/$1; break; fi
    done
    set +f
    unset IFS
    [ -n "$found" ] || fail "exec: \\"$1\\": executable file not found in \\$PATH"
    ;;
  esac
  # The C library would hand what the kernel does not know to a shell.
  IFS= read -r line <"$found" || :
  case "$line" in '#!'* | ?ELF*) ;; *) fail "exec $found: exec format error" ;; esac
}`;

/**
 * The script of an exec, already inside the container's namespaces. Arguments: working directory, PATH, setpriv's
 * options, `tty` or empty, then environment assignments and the command, whose first word is also the fifth argument.
 *
 * Who leaves the exec ends its launcher's group. What has left that group for a session of its own ends with its
 * parent: that is said before the session begins, and again after the user has changed, which would take it back.
 */
export function execScript(toolkit: Toolkit): string {
  const tool = (program: ToolkitProgram): string => toolkitCommand(toolkit, program);
  return `exec 6>&2 2>&1
fail() { echo "error $1"; exit 127; }
directory=$1 path=$2 options=$3 ctty=$4 command=$5
shift 5
cd -P "$directory" || fail "working directory $directory does not exist"
case "$PWD" in /*) ;; *) fail "the working directory leads out of the container" ;; esac
${findCommand}
find_command "$command" "$path"
echo ok
exec 2>&6 6>&-
exec ${tool('setpriv')} --pdeathsig KILL ${tool('setsid')} $ctty ${tool('setpriv')} $options -- ${tool('env')} -i "$@"`;
}

/** env takes every word with an equals sign for an assignment: such a command goes through a shell. */
export function programWords(command: string, shell: string): string {
  return command.includes('=') ? `${shell} -c 'exec "$@"' sh ` : '';
}

/** A container's own pipes and terminal belong to its user, so that /dev/stdout can be opened again (runc does so). */
function stdioOwner(plan: StartPlan, chown: string): string {
  const own = plan.tty ? '/proc/self/fd/0' : `/proc/self/fd/1 /proc/self/fd/6${plan.stdin ? ' /proc/self/fd/0' : ''}`;
  return `[ "$uid" = 0 ] || ${chown} "$uid" ${own}`;
}

/**
 * Into the control groups while the mounts are made: the kernel may wait for a grace period of some ten milliseconds.
 * Their files are opened here, since after pivot_root their paths lead elsewhere.
 */
function joinCgroups(files: readonly string[]): string {
  // The file descriptors that a POSIX shell can name and this script has no other use for.
  const free = [3, 4, 5, 7, 8, 9];
  const each = (text: (fd: number, file: string) => string): string =>
    files.map((file, at) => text(free[at % free.length] as number, file)).join(' ');
  return `exec ${each((fd, file) => `${fd}>${quote(file)}`)}
{ ${each((fd) => `echo $$ >&${fd};`)} } & joining=$!
exec ${each((fd) => `${fd}>&-`)}`;
}

/** One shell word. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

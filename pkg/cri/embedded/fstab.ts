/** One line of fstab(5), as `mount -a` takes it. */
export function fstabLine(source: string, target: string, type: string, options: string): string {
  return `${escapePath(source)} ${escapePath(target)} ${type} ${options} 0 0\n`;
}

function escapePath(path: string): string {
  return path.replace(/[\s\\#"]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

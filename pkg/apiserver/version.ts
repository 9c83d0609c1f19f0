/** The Kubernetes version whose API this is; the facts in pkg/api are of that version. */
export const kubernetesVersion = 'v1.36.0';
/** What /version says, and nodes report. */
export const gitVersion = `${kubernetesVersion}+gokube`;

/** https://pkg.go.dev/k8s.io/apimachinery/pkg/version#Info */
export function versionInfo(platform = 'javascript/any'): Readonly<Record<string, string>> {
  return {
    major: '1',
    minor: '36',
    emulationMajor: '1',
    emulationMinor: '36',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'none',
    compiler: 'none',
    platform,
  };
}

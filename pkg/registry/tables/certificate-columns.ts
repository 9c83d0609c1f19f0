import type { TableColumn } from '../contract.ts';
import { objects, type Raw, text } from '../raw.ts';
import { ageColumn, column, labelText, nameColumn, none, orNone, spec, status } from './column.ts';
import { humanDuration } from './human-duration.ts';

type Columns = readonly TableColumn[];

function requestDuration(csr: Raw): string {
  const seconds = spec(csr)['expirationSeconds'];
  return typeof seconds === 'number' ? humanDuration(seconds * 1000) : none;
}

function csrState(csr: Raw): string {
  const types = objects(status(csr)['conditions']).map((condition) => text(condition['type']));
  const state = types.includes('Denied') ? 'Denied' : types.includes('Approved') ? 'Approved' : types.includes('Failed') ? '' : 'Pending';
  return [state, ...(types.includes('Failed') ? ['Failed'] : []), ...(status(csr)['certificate'] === undefined ? [] : ['Issued'])]
    .filter(Boolean)
    .join(',');
}

const podCertificateStates = ['Issued', 'Denied', 'Failed'];
const podCertificateRequest: Columns = [
  nameColumn,
  column('PodName', (object) => text(spec(object)['podName']), { description: 'Which pod asks.' }),
  column('ServiceAccountName', (object) => text(spec(object)['serviceAccountName']), { description: 'As which account.' }),
  column('NodeName', (object) => text(spec(object)['nodeName']), { description: 'From which node.' }),
  column('SignerName', (object) => text(spec(object)['signerName']), { description: 'Who is to sign.' }),
  column(
    'State',
    (object) =>
      objects(status(object)['conditions'])
        .map((condition) => text(condition['type']))
        .findLast((type) => podCertificateStates.includes(type)) ?? 'Pending',
    { description: 'Whether it was granted.' },
  ),
  column('UnverifiedUserAnnotations', (object) => labelText(spec(object)['unverifiedUserAnnotations']), {
    description: 'What else the pod says of itself.',
  }),
];
const trustBundle: Columns = [
  nameColumn,
  column('SignerName', (object) => orNone(spec(object)['signerName']), { description: 'Whose certificates it holds.' }),
];

export const certificateColumns: Readonly<Record<string, Columns>> = {
  'api.certificates.v1.CertificateSigningRequest': [
    nameColumn,
    ageColumn,
    column('SignerName', (object) => text(spec(object)['signerName']) || none, { description: 'Who is to sign.' }),
    column('Requestor', (object) => text(spec(object)['username']), { description: 'Who asks.' }),
    column('RequestedDuration', requestDuration, { description: 'For how long.' }),
    column('Condition', csrState, { description: 'Whether it was granted.' }),
  ],
  'api.certificates.v1beta1.PodCertificateRequest': podCertificateRequest,
  'api.certificates.v1beta1.ClusterTrustBundle': trustBundle,
  'api.certificates.v1alpha1.ClusterTrustBundle': trustBundle,
};

/** The scheduler as a process of its own; of several, one leads. */
import { createInformerFactory } from '../../pkg/listwatch/informer-factory.ts';
import { runTogether } from '../../pkg/listwatch/run-together.ts';
import { createScheduler } from '../../pkg/scheduler/scheduler.ts';
import { componentCommand, connect, leadWhileElected, runComponent } from '../component.ts';

interface Flags {
  readonly kubeconfig: string;
}

const command = componentCommand('scheduler', 'give pods their nodes').requiredOption(
  '--kubeconfig <file>',
  'how to reach the API server, and as whom',
);

await runComponent<Flags>(command, async (flags, self) => {
  const { environment, close } = await connect(self, flags.kubeconfig, 'kube-scheduler');
  const lead = (signal: AbortSignal): Promise<void> => {
    const informers = createInformerFactory(environment);
    const scheduler = createScheduler({ ...environment, informers });
    return runTogether([(stop) => informers.run(stop), (stop) => scheduler.run(stop)], signal);
  };
  await leadWhileElected(environment, self, lead, 'kube-scheduler').finally(close);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryMetrics } from './memory-metrics.ts';
import type { Metrics } from './metrics.ts';
import { createPrometheusMetrics } from './prometheus.node.ts';

const implementations: [string, () => Metrics][] = [
  ['MemoryMetrics', () => new MemoryMetrics()],
  ['with the process’s own', createPrometheusMetrics],
];
for (const [name, create] of implementations) {
  describe(name, () => {
    test('exposes counters, gauges and histograms in the text format', async () => {
      const metrics = create();
      metrics.counter({ name: 'a_total', help: 'A', labels: ['code'] }).inc({ code: '2"0' }, 2);
      metrics.gauge({ name: 'b', help: 'B' }).add(3);
      const histogram = metrics.histogram({ name: 'c_seconds', help: 'C', buckets: [1, 10] });
      histogram.observe(0.5);
      histogram.observe(5);
      const text = await metrics.expose();
      for (const line of [
        'a_total{code="2\\"0"} 2',
        'b 3',
        'c_seconds_bucket{le="1"} 1',
        'c_seconds_bucket{le="10"} 2',
        'c_seconds_bucket{le="+Inf"} 2',
        'c_seconds_sum 5.5',
        'c_seconds_count 2',
      ]) {
        assert.ok(text.split('\n').includes(line), `${line} in\n${text}`);
      }
    });
    test('counts by what the labels say, whether or not they are the same object; what has no labels is there from the beginning', async () => {
      const metrics = create();
      const counter = metrics.counter({ name: 'a_total', help: 'A', labels: ['code'] });
      const kept = { code: '200' };
      counter.inc(kept);
      counter.inc({ code: '200' });
      counter.inc(kept);
      metrics.counter({ name: 'b_total', help: 'B', labels: ['code'] }).inc(kept);
      metrics.gauge({ name: 'untouched', help: 'U' });
      const lines = (await metrics.expose()).split('\n');
      for (const line of ['a_total{code="200"} 3', 'b_total{code="200"} 1', 'untouched 0']) assert.ok(lines.includes(line), line);
    });
    test('gives the same instrument for the same name, and refuses another shape', async () => {
      const metrics = create();
      metrics.counter({ name: 'x', help: 'X' }).inc();
      metrics.counter({ name: 'x', help: 'X' }).inc();
      assert.match(await metrics.expose(), /^x 2$/m);
      assert.throws(() => metrics.gauge({ name: 'x', help: 'X' }), /already exists/);
      assert.throws(() => metrics.counter({ name: 'x', help: 'X', labels: ['y'] }), /already exists/);
    });
  });
}

test('the metrics of the Node.js process are exposed beside the program’s', async () => {
  assert.match(await createPrometheusMetrics().expose(), /^process_cpu_seconds_total [\d.e-]+$/m);
});

import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { Flow, type Frame, FramedSocket, frameKinds, lanes, windowBytes } from './frames.ts';

/** A socket whose written bytes are kept, and to which bytes can be fed in any pieces. */
class Wire extends Duplex {
  written: Buffer[] = [];
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk);
    done();
  }
}

test('frames come out as they went in, however the bytes are cut', () => {
  const frame = fc.record(
    {
      kind: fc.constantFrom(...Object.values(frameKinds)),
      call: fc.nat(2 ** 32 - 1),
      payload: fc.uint8Array({ maxLength: 300 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 10 }), fc.integer({ min: 1, max: 50 }), (frames, cut) => {
      const wire = new Wire();
      const sender = new FramedSocket(
        wire,
        () => {},
        () => {},
      );
      for (const { kind, call, payload } of frames) sender.send(kind, call, payload);
      const bytes = Buffer.concat(wire.written);
      const received: Frame[] = [];
      const far = new Wire();
      new FramedSocket(
        far,
        (one) => received.push(one),
        () => {},
      );
      for (let at = 0; at < bytes.length; at += cut) far.emit('data', bytes.subarray(at, at + cut));
      assert.deepEqual(
        received.map(({ kind, call, payload }) => ({ kind, call, payload: new Uint8Array(payload) })),
        frames,
      );
    }),
  );
});

test('a flow sends no more than its window until the other side has consumed it', async () => {
  const wire = new Wire();
  const flow = new Flow(
    new FramedSocket(
      wire,
      () => {},
      () => {},
    ),
    1,
  );
  let sent = false;
  const sending = flow.send(lanes.stdout, new Uint8Array(3 * windowBytes)).then(() => {
    sent = true;
  });
  const onTheWire = (): number => wire.written.reduce((sum, chunk) => sum + chunk.length, 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(sent, false);
  assert.ok(flow.full);
  assert.ok(onTheWire() < windowBytes * 1.1);
  const credit = Buffer.alloc(4);
  credit.writeUInt32BE(2 * windowBytes, 0);
  flow.credited(credit);
  await sending;
  assert.ok(onTheWire() >= 3 * windowBytes);
});

test('a flow that is closed lets its sender go', async () => {
  const flow = new Flow(
    new FramedSocket(
      new Wire(),
      () => {},
      () => {},
    ),
    1,
  );
  const sending = flow.send(lanes.stdout, new Uint8Array(3 * windowBytes));
  flow.close();
  await sending;
});

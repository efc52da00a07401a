import { TestEnvironment } from 'jest-environment-node';

/**
 * Jest runs tests in a realm of its own, whose typed arrays fail the `instanceof` checks inside native
 * modules (ONNX Runtime, USearch). This environment hands the outer realm's buffers to the tests.
 */
export default class OuterRealmBuffers extends TestEnvironment {
  async setup() {
    await super.setup();
    const shared = [
      'ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Buffer',
      'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array',
      'Uint32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'Error',
    ]; // prettier-ignore
    for (const name of shared) this.global[name] = globalThis[name];
  }
}

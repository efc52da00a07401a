/**
 * Imported before ONNX Runtime is loaded. Since version 1.29 its Linux builds report sessions and models to
 * their maker unless this variable is set in the process's real environment, which is why the inference
 * thread shares it (`worker-engine.ts`). The one place outside of libs/config that touches the environment.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';

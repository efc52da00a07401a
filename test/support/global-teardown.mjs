export default async function teardown() {
  await Promise.all(globalThis.referentServices.map((service) => service.stop()));
}

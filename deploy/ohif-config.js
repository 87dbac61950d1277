// OHIF on one origin with Orthanc's DICOMweb. Served as /app-config.js in place of the one that OHIF ships, which
// points to a public server. Nothing in here leaves the machine.
window.config = {
  routerBasename: null,
  extensions: [],
  modes: [],
  // OHIF 3.13 takes it for granted that every group of measurements has coordinates: it stops at one that only points
  // to a segment (a lung's volume), and then shows none of the report. An empty place lets it pass those over. Beside
  // drawn axes it has room for five lines: comments, which have no value, would leave none for the lengths.
  customizationService: [
    {
      onBeforeSRAddMeasurement: {
        $set: ({ measurement }) => {
          if (measurement.coords.length === 0) {
            measurement.coords = [{}];
          }
          measurement.labels = measurement.labels.filter(({ value }) => value !== '');
          return measurement;
        },
      },
    },
  ],
  showStudyList: true,
  maxNumberOfWebWorkers: 2,
  investigationalUseDialog: { option: 'always' },
  defaultDataSourceName: 'dicomweb',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'dicomweb',
      configuration: {
        friendlyName: 'Orthanc',
        name: 'orthanc',
        qidoRoot: '/dicom-web',
        wadoRoot: '/dicom-web',
        wadoUriRoot: '/wado',
        qidoSupportsIncludeField: false,
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        bulkDataURI: { enabled: true },
        omitQuotationForMultipartRequest: true,
      },
    },
  ],
};

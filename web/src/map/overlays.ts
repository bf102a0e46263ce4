// What the page itself draws on the map: what is selected, what is measured, who looks after what. Colours for light and dark grounds.

import type { GeoJSONSourceSpecification, LayerSpecification } from 'maplibre-gl';

const empty = (): GeoJSONSourceSpecification => ({ type: 'geojson', data: { type: 'FeatureCollection', features: [] } });

export const OVERLAY_SOURCES = { 'page-selection': empty(), 'page-measure': empty() };

export function overlays(dark: boolean): { belowLabels: LayerSpecification[]; above: LayerSpecification[] } {
  const mark = dark ? '#ffd166' : '#e4572e', halo = dark ? '#11161c' : '#ffffff', tool = dark ? '#7cc4ff' : '#1660a8';
  const polygon = ['==', ['geometry-type'], 'Polygon'] as never;
  const point = ['==', ['geometry-type'], 'Point'] as never;
  const notPoint = ['!=', ['geometry-type'], 'Point'] as never;
  return {
    belowLabels: [
      { id: 'page-selection/area', type: 'fill', source: 'page-selection', filter: polygon, paint: { 'fill-color': mark, 'fill-opacity': 0.14 } },
    ],
    above: [
      { id: 'page-selection/halo', type: 'line', source: 'page-selection', filter: notPoint, layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': halo, 'line-width': 7, 'line-opacity': 0.85 } },
      { id: 'page-selection/line', type: 'line', source: 'page-selection', filter: notPoint, layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': mark, 'line-width': 3.5 } },
      { id: 'page-selection/ring', type: 'circle', source: 'page-selection', filter: point, paint: { 'circle-radius': 15, 'circle-color': mark, 'circle-opacity': 0.12, 'circle-stroke-color': halo, 'circle-stroke-width': 5 } },
      { id: 'page-selection/point', type: 'circle', source: 'page-selection', filter: point, paint: { 'circle-radius': 14, 'circle-color': mark, 'circle-opacity': 0, 'circle-stroke-color': mark, 'circle-stroke-width': 3 } },
      { id: 'page-measure/area', type: 'fill', source: 'page-measure', filter: polygon, paint: { 'fill-color': tool, 'fill-opacity': 0.16 } },
      { id: 'page-measure/halo', type: 'line', source: 'page-measure', filter: notPoint, paint: { 'line-color': halo, 'line-width': 5 } },
      { id: 'page-measure/line', type: 'line', source: 'page-measure', filter: notPoint, paint: { 'line-color': tool, 'line-width': 2.5, 'line-dasharray': [2, 1.2] } },
      { id: 'page-measure/point', type: 'circle', source: 'page-measure', filter: point, paint: { 'circle-radius': 4.5, 'circle-color': halo, 'circle-stroke-color': tool, 'circle-stroke-width': 2.5 } },
    ],
  };
}
